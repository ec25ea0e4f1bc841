"""What may reach PostgreSQL: a statement is read by a parser, its tables are put in their place, and it is written anew.

PostgreSQL has no authorizer as SQLite has, and the role at hand may own everything, so the guard stands before it. What is
run is never the text that came in but the text that was written from the parsed statement, and of that every single word must
be on a list: keywords of a question, functions that only compute, types. All names are quoted, so a word outside quotes is
never a name. A table with private columns is replaced by a subquery without them, so that neither `*` nor a whole row holds them.
"""

import logging
import re
from typing import Any, Final

import sqlglot
from sqlglot import Expr, exp
from sqlglot.errors import SqlglotError

from db import public, refusals
from db.errors import DatabaseError

MAX_CHARACTERS: Final = 100_000
MAX_DEPTH: Final = 60
MAX_BRACKETS: Final = 8
"""Brackets within brackets; the parser's time doubles with each."""
LONGEST_FILL: Final = 1_000
"""Most repetitions of `repeat`, `lpad` and `rpad`: enough for a bar of text, too few to fill the memory."""

KEYWORDS: Final = frozenset(
    """
    all and any array as asc at between both by case cast collate cross cube current day days dec desc distinct dow doy
    else end epoch escape except exclude exists extract false fetch filter first following for from full group groups
    having hour hours ilike in inner intersect interval is isodow isoyear join last lateral leading left like limit
    materialized microseconds millennium milliseconds minute minutes month months natural next no not null nulls offset on
    only or order ordinality others outer over partition placing preceding quarter range recursive right rollup row rows
    second seconds secs select sets similar symmetric then ties timezone to trailing true unbounded union using values
    week weeks when where window with within year years zone grouping tie
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
TYPES: Final = frozenset(
    """
    bigint boolean char date decimal double int integer interval json jsonb numeric precision real smallint text time
    timestamp timestamptz timetz varchar
    """.split()  # noqa: SIM905 - as above
)
FUNCTIONS: Final = frozenset(
    """
    abs acos age all array_agg array_append array_cat array_length array_position array_prepend array_remove array_to_json
    array_to_string ascii asin atan atan2 avg bit_length bool_and bool_or btrim cardinality cbrt ceil ceiling char_length
    character_length chr coalesce concat concat_ws corr cos count covar_pop covar_samp cume_dist current_date
    current_time current_timestamp  date_part date_trunc degrees dense_rank div every exp extract first_value
    floor generate_series generate_subscripts greatest grouping initcap isfinite json_agg json_build_array
    json_build_object json_object_agg jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length
    jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_exists jsonb_exists_any jsonb_extract_path
    jsonb_extract_path_text jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query
    jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_strip_nulls jsonb_typeof justify_days
    justify_hours justify_interval lag last_value lead least left length ln localtime localtimestamp log log10 lower
    lpad ltrim make_date make_interval make_timestamp make_timestamptz max md5 min mod mode normalize nth_value ntile
    now nullif octet_length overlay percent_rank percentile_cont percentile_disc pi position power quote_literal
    radians random rank row regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
    regexp_split_to_array regexp_split_to_table regexp_substr regr_count regr_intercept regr_r2 regr_slope repeat
    replace reverse right round row_number row_to_json rpad rtrim sign sin some split_part sqrt starts_with stddev
    stddev_pop stddev_samp string_agg string_to_array string_to_table strpos substr substring sum tan to_char to_date
    to_json to_jsonb to_number to_timestamp translate trim trunc unnest upper var_pop var_samp variance width_bucket
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
WORDS: Final = KEYWORDS | TYPES | FUNCTIONS
CONSTRUCTS: Final = frozenset(
    """
    in values as and or not over filter using any all exists array cast case when then else on where having by distinct
    rollup cube sets group within materialized lateral from join select union except intersect some like ilike between
    is to limit offset similar row extract interval recursive with decimal numeric varchar char time timestamp timestamptz
    """.split()  # noqa: SIM905 - as above
)
"""Words that may stand before an opening bracket besides the functions."""

_LEXEME = re.compile(
    r"""(?P<space>\s+)
    |(?P<name>"(?:[^"]|"")+")
    |(?P<text>'(?:[^']|'')*')
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w"'$]))
    |(?P<word>[A-Za-z_]\w*(?!["'$\w&]))
    |(?P<sign>::|->>|->|\#>>|\#>|[-+*/%<>=~!@?|&\#^]+|[(),.;\[\]:])""",
    re.VERBOSE | re.ASCII,
)
UNWANTED: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Lock, exp.DDL, exp.Command)
STRANGE_TEXT: Final = (
    exp.RawString,
    exp.UnicodeString,
    exp.ByteString,
    exp.HexString,
    exp.BitString,
    exp.National,
)
_TABLE_PARTS: Final = frozenset({"this", "db", "alias", "joins", "laterals", "ordinality"})


def rewrite(statement: str, schema: str) -> str:
    """Give the statement as it may be run, with every table named in full.

    Raises
    ------
    DatabaseError
        It is not one question, reads what is not public, or uses something that is not on the lists.
    """
    tree = _parse(statement)
    if not isinstance(tree, exp.Query | exp.Values):
        raise refusals.statement()
    given = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for name in given:
        if name in public.names() or name.startswith("pg_"):
            raise DatabaseError(f"WITH {name} takes the name of a table", mend="give it another name")
    for node in list(tree.walk()):
        _check(node)
    for node in list(tree.find_all(exp.Table)):
        tree = _place(tree, node, given, schema)
    written = tree.sql(dialect="postgres", identify=True, comments=False, pretty=False)
    with_columns = {
        alias.name for alias in tree.find_all(exp.TableAlias) if alias.args.get("columns") and alias.args.get("this")
    }
    _spell_check(written, with_columns)
    return written


def _parse(statement: str) -> Expr:
    if len(statement) > MAX_CHARACTERS:
        raise DatabaseError(f"the statement is longer than {MAX_CHARACTERS:,} characters", mend="write a shorter one")
    depth = brackets = deepest = 0
    for character in re.sub(r"'[^']*'", "", statement):
        if character in "([":
            depth += 1
            brackets += character == "["
        elif character in ")]":
            depth -= 1
            brackets -= character == "]"
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH or brackets > MAX_BRACKETS:
            raise DatabaseError("the statement is nested too deeply", mend="write it with WITH, step by step")
    log = logging.getLogger("sqlglot")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it warns of statements that it can't parse; they are refused below
    try:
        found = [
            tree for tree in sqlglot.parse(statement, read="postgres") if tree and not isinstance(tree, exp.Semicolon)
        ]
    except (SqlglotError, RecursionError) as error:
        raise DatabaseError(f"the statement can't be read{_place_of(error)}", mend="correct it") from error
    finally:
        log.setLevel(level)
    if len(found) > 1:
        raise refusals.several()
    if not found:
        raise DatabaseError("there is no statement", mend="write a question such as: SELECT * FROM v_daily_shares")
    return found[0]


def _place_of(error: Exception) -> str:
    details: list[dict[str, Any]] = getattr(error, "errors", [])
    if not details:
        return ""
    first = details[0]
    return f" at line {first['line']} near {first['highlight']!r}"


def _check(node: Expr) -> None:
    if isinstance(node, UNWANTED):
        raise refusals.statement()
    if isinstance(node, STRANGE_TEXT):
        raise DatabaseError("only plain text in single quotes runs here", mend="write 'text', and '' for a quote in it")
    if isinstance(node, exp.Cast | exp.DataType):
        _check_type(node)
    elif isinstance(node, exp.Anonymous):
        if node.name.lower() not in FUNCTIONS:
            raise refusals.function(node.name.lower())
        node.set("this", node.name.lower())  # without quotes, so that the spelling is checked
    elif isinstance(node, exp.Repeat):
        node.set("times", _capped(node.args["times"]))
    elif isinstance(node, exp.Pad):
        node.set("expression", _capped(node.args["expression"]))
    elif isinstance(node, exp.Identifier) and not node.args.get("quoted"):
        node.set("this", node.name.lower())


def _check_type(node: exp.Cast | exp.DataType) -> None:
    wanted: Expr = node.args["to"] if isinstance(node, exp.Cast) else node
    if not isinstance(wanted, exp.DataType) or wanted.this == exp.DType.USERDEFINED:
        raise refusals.data_type(wanted.sql(dialect="postgres"))


def _capped(count: Expr) -> Expr:
    return exp.Least(this=count.copy(), expressions=[exp.Literal.number(LONGEST_FILL)])


def _place(tree: Expr, table: exp.Table, given: set[str], schema: str) -> Expr:
    if not isinstance(table.this, exp.Identifier):  # a function after FROM: its name is checked as any function's
        return tree
    name, folder = table.name, table.db
    parts = {part for part, value in table.args.items() if value}
    if table.catalog or parts - _TABLE_PARTS:
        raise refusals.table(table.sql(dialect="postgres", comments=False))
    if not folder and name in given:
        return tree
    if folder not in {"", schema} or name not in public.names():
        raise refusals.table(f"{folder}.{name}" if folder else name)
    if name not in public.PRIVATE:
        table.set("db", exp.to_identifier(schema, quoted=True))
        return tree
    whole = exp.Table(this=exp.to_identifier(name, quoted=True), db=exp.to_identifier(schema, quoted=True))
    columns = [exp.column(exp.to_identifier(column, quoted=True)) for column in public.tables()[name]]
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    hidden = exp.Subquery(this=exp.select(*columns).from_(whole), alias=alias)
    for part in ("joins", "laterals"):
        if table.args.get(part):
            hidden.set(part, table.args[part])
    if table is tree:
        return hidden
    table.replace(hidden)
    return tree


def _spell_check(written: str, with_columns: set[str]) -> None:
    """Check every word of the statement that is to be run; knows nothing of how it was parsed."""
    position, before = 0, ("", "")
    while position < len(written):
        match = _LEXEME.match(written, position)
        if match is None or match.lastgroup is None:
            raise refusals.statement()
        kind, text = match.lastgroup, match.group()
        position = match.end()
        if kind == "space":
            continue
        if kind == "word":
            word = text.lower()
            if word not in WORDS or before[1] == ".":
                raise refusals.word(word)
        elif kind == "sign":
            if text == ";" or "--" in text or "/*" in text:
                raise refusals.statement()
            if text == "(" and not _may_open(before, with_columns):
                raise refusals.function(before[1].strip('"'))
        before = (kind, text)


def _may_open(before: tuple[str, str], with_columns: set[str]) -> bool:
    kind, text = before
    if kind == "word":
        return text.lower() in FUNCTIONS or text.lower() in CONSTRUCTS
    if kind == "name":
        return text[1:-1].replace('""', '"') in with_columns
    return kind == "sign" or not kind
