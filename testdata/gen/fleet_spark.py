"""Map and reduce on a Spark cluster of two worker processes on this machine: fleet_spark.py PROGRAM FOLDER.

PROGRAM is gotrace-slice; FOLDER/traces/HOST/VERSION has recordings. Each worker makes the tables of its share of them, by the
command of docs/fleet.md, below FOLDER/tables; then the questions of docs/fleet.sql are asked of all tables. Prints a JSON object:
`answers` as fleet_sql.py has them, the number of `tables`, and of the `workers` that made them. Exits with 77 where Spark or
Java is not installed.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import fleet_sql

PATTERN = "(?<host>[^/]+)/(?<version>[^/]+)/[^/]+$"


def session():
    from pyspark.sql import SparkSession

    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise ImportError("Spark needs Java 17")
    # Two workers with one core and 1 GB each; all on the loopback interface.
    spark = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.executorEnv.PYTHONPATH", str(pathlib.Path(__file__).resolve().parent))
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
        .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "60s")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def table_of(program, folder):
    """What a worker does with a recording. Gives the process that did it: each worker has one that starts all others."""

    def make(trace):
        table = pathlib.Path(folder, "tables", trace + ".parquet")
        table.parent.mkdir(parents=True, exist_ok=True)
        args = [program, "-q", "-j1", "--label-from-path", PATTERN, "-o", str(table), trace]
        subprocess.run(args, cwd=folder, check=True)
        return os.getppid()

    return make


def main():
    program, folder = sys.argv[1:3]
    traces = sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder, "traces").rglob("*.trace"))
    try:
        spark = session()
    except ImportError as missing:
        print(missing, file=sys.stderr)
        sys.exit(77)
    # Few recordings a task, so that both workers have some.
    tasks = spark.sparkContext.parallelize(traces, max(4, len(traces) // 10))
    workers = set(tasks.map(table_of(program, folder)).collect())
    spark.sql(
        "CREATE TEMPORARY VIEW requests USING parquet "
        f"OPTIONS (path '{folder}/tables', recursiveFileLookup 'true')"
    )
    text = (pathlib.Path(__file__).resolve().parent / "../../docs/fleet.sql").read_text()
    ask = lambda sql: [row.asDict() for row in spark.sql(sql).collect()]
    answers = {name: ask(sql) for name, sql in fleet_sql.questions(text).items()}
    tables = sum(1 for _ in pathlib.Path(folder, "tables").rglob("*.parquet"))
    whole = lambda number: int(number) if number == int(number) else float(number)
    json.dump({"answers": answers, "tables": tables, "workers": len(workers)}, sys.stdout, default=whole)
    spark.stop()


if __name__ == "__main__":
    main()
