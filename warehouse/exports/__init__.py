"""Files for other tools, made from the declared star and its views: a dbt package, a dashboard of Superset."""
