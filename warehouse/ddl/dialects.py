"""The views in the SQL of other engines that read the same tables: translated by sqlglot, never written twice.

What must not come in: a connection, the text of a view.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import cast

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify

from warehouse.ddl.views import view_queries
from warehouse.model.one_table import TABLE_COLUMN, renamed_column
from warehouse.model.schema import metadata
from warehouse.sql import fill

_DAYS_OF_A_MONTH = range(1, 32)

_DUCKDB = {
    "now": "now()",
    "local_time": "timezone($zone, $time)",
    "instant": "timezone($zone, $time)",
    "bit_count": "bit_count($value)",
}
_SPARK = {
    "now": "current_timestamp()",
    "local_time": "from_utc_timestamp(to_utc_timestamp($time, current_timezone()), $zone)",
    "instant": "from_utc_timestamp(to_utc_timestamp($time, $zone), current_timezone())",
    "bit_count": "bit_count($value)",
}
_TRINO = {
    "now": "current_timestamp",
    "local_time": "at_timezone($time, $zone)",
    "instant": "with_timezone($time, $zone)",
    "bit_count": "bit_count($value, 64)",
}
_SNOWFLAKE = {
    "now": "current_timestamp()",
    "local_time": "convert_timezone($zone, $time)",
    "instant": "convert_timezone($zone, 'UTC', $time)",
    "bit_count": " + ".join(f"getbit($value, {day})" for day in _DAYS_OF_A_MONTH),
}
FUNCTIONS: dict[str, Mapping[str, str]] = {
    "duckdb": _DUCKDB,
    "spark": _SPARK,
    "databricks": _SPARK,
    "trino": _TRINO,
    "athena": _TRINO,
    "snowflake": _SNOWFLAKE,
}
"""What sqlglot does not translate, by dialect.

``local_time`` is the local time of an instant, ``instant`` the instant of a local time; ``bit_count`` counts the bits
of the days of a month.
"""

DIALECTS = tuple(FUNCTIONS)


def write_statements(dialect: str, star: str | None = None) -> list[str]:
    """Return the statements that create all views, each after those it reads.

    With ``star``, the name of the one table that holds all others (a Delta table), they begin with a view for each
    of them. Without it the tables are expected under their own names. Raises ValueError for another dialect.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"{dialect} is none of {', '.join(DIALECTS)}")
    tables = _write_tables(dialect, star) if star else []
    views = list(view_queries().items())
    if dialect != "duckdb":
        views = [(name, translate(query, dialect)) for name, query in views]
    return [*tables, *(_create_view(name, query, dialect) for name, query in views)]


def translate(query: str, dialect: str) -> str:
    """Return a query on the star's tables and views, in DuckDB's SQL, in that of another engine.

    Raises ValueError for a function that has no translation.
    """
    tree = _qualify_columns(query, _known_columns())
    for rewrite in (
        _name_groups,
        _spell_out_windows,
        _name_results_in_qualify,
        _leave_out_short_cuts,
        _add_days,
        _divide_decimals,
    ):
        rewrite(tree)
    return _replace_functions(tree, dialect).sql(dialect, pretty=True, comments=False)


@cache
def _known_columns() -> Mapping[str, Mapping[str, str]]:
    """Return the columns of all tables and views, without their types."""
    columns = {table.name: dict.fromkeys(table.columns.keys(), "unknown") for table in metadata.sorted_tables}
    for name, query in view_queries().items():
        columns[name] = dict.fromkeys(_qualify_columns(query, columns).named_selects, "unknown")
    return columns


def _qualify_columns(query: str, columns: Mapping[str, Mapping[str, str]]) -> exp.Query:
    """Return a query with its table before every column, so that no rewriting changes what a name means."""
    schema: dict[str, object] = {name: dict(names) for name, names in columns.items()}
    tree = qualify(parse_one(query, read="duckdb"), schema=schema, dialect="duckdb", quote_identifiers=False)
    return cast(exp.Query, tree)


def _write_tables(dialect: str, star: str) -> Iterator[str]:
    """Yield a view for each table that the one table of a Delta lake holds.

    A member of a dimension stands in it once for each shard of accounts, and in its view once.
    """
    for table in metadata.sorted_tables:
        names = table.columns.keys()
        columns = [exp.column(renamed_column(table.name, name)).as_(name) for name in names]
        query = exp.select(*columns).from_(exp.to_table(star, dialect=dialect))
        query = query.where(exp.column(TABLE_COLUMN).eq(table.name))
        if table.name.startswith("dim_"):
            order = exp.Order(expressions=[exp.Ordered(this=exp.column(name), nulls_first=False) for name in names])
            place = exp.Window(this=exp.RowNumber(), partition_by=[exp.column(names[0])], order=order).as_("place")
            inner = query.select(place).subquery("members")
            query = exp.select(*names).from_(inner).where(exp.column("place").eq(1))
        yield _create_view(table.name, query.sql(dialect, pretty=True), dialect)


def _create_view(name: str, query: str, dialect: str) -> str:
    return f"CREATE OR REPLACE VIEW {exp.to_identifier(name).sql(dialect)} AS\n{query.strip()};"


def _name_groups(tree: exp.Expr) -> None:
    """Replace `GROUP BY ALL`, which few engines have, by the positions of what is not an aggregate."""
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        if group is not None and group.args.get("all"):
            positions = [
                exp.Literal.number(number)
                for number, column in enumerate(select.expressions, 1)
                if not column.find(exp.AggFunc) and not isinstance(column.unalias(), exp.Literal | exp.Null)
            ]
            select.set("group", exp.Group(expressions=positions))


def _spell_out_windows(tree: exp.Expr) -> None:
    """Replace the name of a window by what it stands for: Snowflake knows no names."""
    for select in tree.find_all(exp.Select):
        named = {window.name: window for window in select.args.get("windows") or ()}
        for window in list(select.find_all(exp.Window)) if named else ():
            if window.alias in named:
                window.set("partition_by", [part.copy() for part in named[window.alias].args["partition_by"]])
                window.set("alias", None)
        select.set("windows", None)


def _name_results_in_qualify(tree: exp.Expr) -> None:
    """Name what a `QUALIFY` compares as the select calls it: most engines get a select around it instead."""
    for condition in tree.find_all(exp.Qualify):
        for column in list(condition.find_all(exp.Column)):
            if column.find_ancestor(exp.Window, exp.Qualify) is condition:
                column.set("table", None)


def _leave_out_short_cuts(tree: exp.Expr) -> None:
    """Leave out the cases of microseconds: they only spare DuckDB the search for a zone."""
    for case in tree.find_all(exp.Case):
        kept = [branch for branch in case.args["ifs"] if not _calls(branch, "epoch_us")]
        case.set("ifs", kept)


def _add_days(tree: exp.Expr) -> None:
    """Write a date and a number of days as what each engine adds in its own way."""

    def add(node: exp.Expr) -> exp.Expr:
        terms = list(node.flatten()) if isinstance(node, exp.Add) else []
        if len(terms) < 2 or not terms[0].name.endswith(("date", "week")):
            return node
        days = terms[1]
        for term in terms[2:]:
            days = exp.Add(this=days, expression=term)
        return exp.DateAdd(this=terms[0], expression=exp.paren(days), unit=exp.var("DAY"))

    _transform(tree, add)


def _divide_decimals(tree: exp.Expr) -> None:
    """Divide decimals as other engines do, exactly: the whole millionths are for DuckDB, which divides as floats."""

    def divide(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Mul) and node.find(exp.IntDiv):
            cost, count = (next(c for c in node.find_all(exp.Column) if c.name == name) for name in _COST_AND_COUNT)
            quotient = exp.Div(this=cost.copy(), expression=exp.func("nullif", count.copy(), exp.Literal.number(0)))
            return exp.cast(quotient, "DECIMAL(18, 6)")
        return node

    _transform(tree, divide)


_COST_AND_COUNT = ("cost_amount", "conversations")


def _replace_functions(tree: exp.Expr, dialect: str) -> exp.Expr:
    """Replace the functions that sqlglot does not know by the dialect's own."""
    own = FUNCTIONS[dialect]

    def replace(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous):
            return node
        arguments = [_replace_functions(argument, dialect).sql(dialect) for argument in node.expressions]
        match node.name.lower(), arguments:
            case "now", []:
                text = own["now"]
            case "timezone", [zone, time]:
                is_instant = _calls(node.expressions[1], "now") or node.expressions[1].name.endswith("_at")
                name = "local_time" if is_instant else "instant"
                text = fill(own[name], zone=zone, time=time)
            case "bit_count", [value]:
                text = fill(own["bit_count"], value=value)
            case name, _:
                raise ValueError(f"{name} has no translation for {dialect}")
        return parse_one(text, read=dialect)

    return tree.transform(replace)


def _calls(tree: exp.Expr, name: str) -> bool:
    return any(function.name.lower() == name for function in tree.find_all(exp.Anonymous))


def _transform(tree: exp.Expr, rewrite: Callable[[exp.Expr], exp.Expr]) -> None:
    tree.transform(rewrite, copy=False)
