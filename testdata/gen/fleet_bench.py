"""How large tables are, and how long each engine takes over a million requests: fleet_bench.py TABLES [REQUESTS].

TABLES is a folder of tables that gotrace-slice wrote. Their requests are copied, as of further hosts, until there are so
many (1 000 000). Prints the tables of docs/fleet.md.
"""
import multiprocessing
import pathlib
import shutil
import sys
import tempfile
import time

import duckdb as db

import fleet_sql

ENGINES = {"DuckDB": "duckdb", "DataFusion": "datafusion", "Spark": "spark", "ClickHouse": "clickhouse"}


def sizes(tables):
    """Bytes and requests of the tables as they were written."""
    files = list(pathlib.Path(tables).rglob("*.parquet"))
    of = f"read_parquet('{tables}/**/*.parquet')"
    [(requests, rows)] = db.execute(f"SELECT count(dur_ns), count(*) FROM {of}").fetchall()
    return len(files), sum(file.stat().st_size for file in files), requests, rows


def copy(tables, requests, n, folder):
    """Copies of all requests, as of further hosts, until there are `n`."""
    times = -(-n // requests)
    db.execute(
        f"COPY (SELECT t.* REPLACE (host || '-' || i AS host, trace || '-' || i AS trace, recording || '-' || i AS recording)"
        f" FROM read_parquet('{tables}/**/*.parquet') AS t, range({times}) AS copies(i))"
        f" TO '{folder}' (FORMAT parquet, COMPRESSION gzip, FILE_SIZE_BYTES '64MB', OVERWRITE_OR_IGNORE)"
    )
    return times * requests


def ask_all(name, engine, folder):
    """A row of the table: seconds for each question. In a process of its own, since engines keep what they took."""
    try:
        ask = fleet_sql.ENGINES[engine](folder)
    except ImportError as missing:
        print(f"{name} is skipped: {missing}", file=sys.stderr)
        return
    seconds = []
    for text in read_questions().values():
        start = time.monotonic()
        ask(text)
        seconds.append(f"{time.monotonic() - start:.1f} s")
    print(f"| {name} | " + " | ".join(seconds) + " |", flush=True)


def read_questions():
    return fleet_sql.questions((pathlib.Path(fleet_sql.__file__).parent / "../../docs/fleet.sql").read_text())


def main():
    tables, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    files, size, requests, rows = sizes(tables)
    print(f"{files} tables, {requests} requests, {rows / requests:.1f} rows and {size / requests:.0f} bytes a request")
    folder = tempfile.mkdtemp()
    many = copy(tables, requests, n, folder)
    questions = read_questions()
    print(f"{many} requests after copying\n")
    print("| engine | " + " | ".join(questions) + " |\n|---|" + "--:|" * len(questions), flush=True)
    for name, engine in ENGINES.items():
        process = multiprocessing.get_context("spawn").Process(target=ask_all, args=(name, engine, folder))
        process.start()
        process.join()
        if process.exitcode != 0:
            print(f"{name} ended with {process.exitcode}", file=sys.stderr)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
