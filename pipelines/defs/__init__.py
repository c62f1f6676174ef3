"""Your own assets, jobs, schedules and components, shown beside those of chatmart: put files here, edit none of ours.

``dg scaffold defs dagster.asset my_asset.py`` writes one. Only a checkout of the repository reads this folder; beside
an installed package, use a project of your own with ``chatmart.ChatmartComponent``.
"""
