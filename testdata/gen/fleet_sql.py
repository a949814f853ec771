"""Runs the questions of docs/fleet.sql on an engine: fleet_sql.py ENGINE FOLDER [SQL].

ENGINE is duckdb, datafusion, spark or clickhouse; FOLDER has the tables. Prints a JSON object: by the name of each question, its rows
as objects. Exits with 77 where the engine is not installed.
"""
import json
import os
import pathlib
import re
import shutil
import sys


def questions(text):
    """The statements by name: the word before the colon of the comment above each."""
    found = {}
    for part in text.split(";\n"):
        name = re.search(r"^-- ([a-z]+): ", part, re.M)
        if name:
            found[name[1]] = "\n".join(l for l in part.splitlines() if not l.startswith("--"))
    return found


def duckdb(folder):
    import duckdb

    db = duckdb.connect()
    db.execute(f"CREATE VIEW requests AS SELECT * FROM read_parquet('{folder}/**/*.parquet')")

    def ask(sql):
        result = db.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row)) for row in result.fetchall()]

    return ask


def datafusion(folder):
    import datafusion

    context = datafusion.SessionContext()
    context.sql(f"CREATE EXTERNAL TABLE requests STORED AS PARQUET LOCATION '{folder}/'")
    return lambda sql: [row for batch in context.sql(sql).collect() for row in batch.to_pylist()]


def spark(folder):
    from pyspark.sql import SparkSession

    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise ImportError("Spark needs Java 17")
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    # A million requests do not fit into the 1 GB that is the default.
    session = builder.config("spark.driver.memory", "4g").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.sql(
        "CREATE TEMPORARY VIEW requests USING parquet "
        f"OPTIONS (path '{folder}', recursiveFileLookup 'true')"
    )
    return lambda sql: [row.asDict() for row in session.sql(sql).collect()]


# The columns that are no integers.
FRACTIONS = {"change_ns", "slow_share", "excess", "cut_share", "undecided_share"}


def clickhouse(folder):
    from chdb.session import Session

    session = Session()
    session.query(f"CREATE VIEW requests AS SELECT * FROM file('{folder}/**.parquet', Parquet)")

    def ask(sql):
        lines = session.query(sql, "JSONEachRow").bytes().decode().splitlines()
        # A whole number is written without a point, also where it is none.
        row = lambda line: {k: float(v) if k in FRACTIONS else v for k, v in json.loads(line).items()}
        return [row(line) for line in lines]

    return ask


ENGINES = {"duckdb": duckdb, "datafusion": datafusion, "spark": spark, "clickhouse": clickhouse}


def main():
    engine, folder = sys.argv[1:3]
    here = pathlib.Path(__file__).resolve().parent
    sql = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else here / "../../docs/fleet.sql"
    try:
        ask = ENGINES[engine](folder)
    except ImportError as missing:
        print(missing, file=sys.stderr)
        sys.exit(77)
    answers = {name: ask(text) for name, text in questions(sql.read_text()).items()}
    whole = lambda number: int(number) if number == int(number) else float(number)
    json.dump(answers, sys.stdout, default=whole)


if __name__ == "__main__":
    main()
