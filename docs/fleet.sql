-- Questions to tables of requests (docs/fleet.md), in the SQL that DuckDB, DataFusion, Spark and ClickHouse share. The tables
-- are called `requests`:
--
--   DuckDB      CREATE OR REPLACE VIEW requests AS SELECT * FROM read_parquet('out/**/*.parquet');
--   DataFusion  CREATE EXTERNAL TABLE requests STORED AS PARQUET LOCATION 'out/';
--   Spark       CREATE TEMPORARY VIEW requests USING parquet OPTIONS (path 'out', recursiveFileLookup 'true');
--   ClickHouse  CREATE VIEW requests AS SELECT * FROM file('out/**.parquet', Parquet);
--
-- Each question begins with `counted`: the requests that count. One that several snapshots of a process have counts once: whole
-- requests of a goroutine are the same if both edges are, on the machine's clock. One with inferred edges gives way to others
-- that overlap it: those with certain edges, and those that begin before it. `unknown` is about those that an edge cuts too: they
-- give way to whole ones, and of the parts of one that goes on through snapshots the longest counts. Undecided ones give way to
-- all others.

-- endpoints: quantiles by endpoint and version (nearest rank)
WITH whole AS (
    SELECT recording, request, version, root, dur_ns, inferred, clock_ns, clock_ns + dur_ns AS end_ns,
        min(recording) OVER (PARTITION BY service, host, version, goid, clock_ns, inferred, CASE WHEN inferred THEN 0 ELSE dur_ns END)
            AS first_recording,
        max(clock_ns + dur_ns) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_until,
        min(CASE WHEN NOT inferred THEN clock_ns END) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_sure
    FROM requests WHERE dur_ns IS NOT NULL AND NOT partial AND NOT undecided),
counted AS (
    SELECT * FROM whole WHERE first_recording = recording
        AND (NOT inferred OR coalesce(before_until <= clock_ns, true) AND coalesce(next_sure >= end_ns, true))),
ranked AS (
    SELECT root, version, dur_ns,
        row_number() OVER (PARTITION BY root, version ORDER BY dur_ns) AS r,
        count(*) OVER (PARTITION BY root, version) AS n
    FROM counted)
SELECT root, version, count(*) AS requests, sum(dur_ns) AS total_ns,
    max(CASE WHEN r * 100 >= n * 50 AND (r - 1) * 100 < n * 50 THEN dur_ns END) AS p50_ns,
    max(CASE WHEN r * 100 >= n * 95 AND (r - 1) * 100 < n * 95 THEN dur_ns END) AS p95_ns,
    max(CASE WHEN r * 100 >= n * 99 AND (r - 1) * 100 < n * 99 THEN dur_ns END) AS p99_ns,
    max(dur_ns) AS max_ns
FROM ranked GROUP BY root, version ORDER BY total_ns DESC, root, version;

-- states: what the requests of each endpoint spent their time in
WITH whole AS (
    SELECT recording, request, version, root, dur_ns, inferred, clock_ns, clock_ns + dur_ns AS end_ns,
        min(recording) OVER (PARTITION BY service, host, version, goid, clock_ns, inferred, CASE WHEN inferred THEN 0 ELSE dur_ns END)
            AS first_recording,
        max(clock_ns + dur_ns) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_until,
        min(CASE WHEN NOT inferred THEN clock_ns END) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_sure
    FROM requests WHERE dur_ns IS NOT NULL AND NOT partial AND NOT undecided),
counted AS (
    SELECT * FROM whole WHERE first_recording = recording
        AND (NOT inferred OR coalesce(before_until <= clock_ns, true) AND coalesce(next_sure >= end_ns, true)))
SELECT c.root AS root, q.state AS state, sum(q.ns) AS ns
FROM requests AS q JOIN counted AS c ON q.recording = c.recording AND q.request = c.request
GROUP BY c.root, q.state ORDER BY root, ns DESC, state;

-- slowest: the folded stacks of the slowest 5 % of all requests, for a flame graph
WITH whole AS (
    SELECT recording, request, version, root, dur_ns, inferred, clock_ns, clock_ns + dur_ns AS end_ns,
        min(recording) OVER (PARTITION BY service, host, version, goid, clock_ns, inferred, CASE WHEN inferred THEN 0 ELSE dur_ns END)
            AS first_recording,
        max(clock_ns + dur_ns) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_until,
        min(CASE WHEN NOT inferred THEN clock_ns END) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_sure
    FROM requests WHERE dur_ns IS NOT NULL AND NOT partial AND NOT undecided),
counted AS (
    SELECT * FROM whole WHERE first_recording = recording
        AND (NOT inferred OR coalesce(before_until <= clock_ns, true) AND coalesce(next_sure >= end_ns, true))),
ranked AS (
    SELECT recording, request,
        row_number() OVER (ORDER BY dur_ns DESC, recording, request) AS r, count(*) OVER () AS n
    FROM counted)
SELECT q.stack || ';[' || q.state || ']' AS folded, sum(q.ns) AS ns
FROM requests AS q JOIN ranked AS s ON q.recording = s.recording AND q.request = s.request
WHERE (s.r - 1) * 20 < s.n
GROUP BY q.stack || ';[' || q.state || ']' ORDER BY ns DESC, folded;

-- change: which stacks a mean request of one version spends more time on than one of another. Put your versions in place of
-- 'v1' and 'v2'. The differences of an endpoint add up to that of its means.
WITH asked AS (SELECT 'v1' AS before_version, 'v2' AS after_version),
whole AS (
    SELECT recording, request, version, root, dur_ns, inferred, clock_ns, clock_ns + dur_ns AS end_ns,
        min(recording) OVER (PARTITION BY service, host, version, goid, clock_ns, inferred, CASE WHEN inferred THEN 0 ELSE dur_ns END)
            AS first_recording,
        max(clock_ns + dur_ns) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_until,
        min(CASE WHEN NOT inferred THEN clock_ns END) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_sure
    FROM requests WHERE dur_ns IS NOT NULL AND NOT partial AND NOT undecided),
counted AS (
    SELECT * FROM whole WHERE first_recording = recording
        AND (NOT inferred OR coalesce(before_until <= clock_ns, true) AND coalesce(next_sure >= end_ns, true))),
sided AS (
    SELECT c.recording AS recording, c.request AS request, c.root AS root,
        CASE WHEN c.version = a.before_version THEN 1 ELSE 0 END AS is_before,
        CASE WHEN c.version = a.after_version THEN 1 ELSE 0 END AS is_after
    FROM counted AS c CROSS JOIN asked AS a
    WHERE c.version = a.before_version OR c.version = a.after_version),
sides AS (SELECT root, sum(is_before) AS before_n, sum(is_after) AS after_n FROM sided GROUP BY root),
parts AS (
    SELECT c.root AS root, q.state AS state, q.stack AS stack,
        sum(CASE WHEN c.is_before = 1 THEN q.ns ELSE 0 END) AS before_ns,
        sum(CASE WHEN c.is_after = 1 THEN q.ns ELSE 0 END) AS after_ns
    FROM requests AS q JOIN sided AS c ON q.recording = c.recording AND q.request = c.request
    GROUP BY c.root, q.state, q.stack)
SELECT p.root AS root, p.state AS state, p.stack AS stack, p.before_ns AS before_ns, s.before_n AS before_n,
    p.after_ns AS after_ns, s.after_n AS after_n,
    CAST(p.after_ns AS DOUBLE) / s.after_n - CAST(p.before_ns AS DOUBLE) / s.before_n AS change_ns
FROM parts AS p JOIN sides AS s ON p.root = s.root
WHERE s.before_n > 0 AND s.after_n > 0
ORDER BY change_ns DESC, root, stack, state;

-- hosts: which hosts have more than their share of the slowest 5 % of each endpoint and version, by how many requests these are
-- more than a twentieth of the host's (`excess`), and the command that shows the worst request. A ' in a name is written as a shell reads it, without a backslash: engines read that in two ways.
WITH whole AS (
    SELECT trace, recording, request, host, version, root, dur_ns, inferred, clock_ns, clock_ns + dur_ns AS end_ns,
        min(recording) OVER (PARTITION BY service, host, version, goid, clock_ns, inferred, CASE WHEN inferred THEN 0 ELSE dur_ns END)
            AS first_recording,
        max(clock_ns + dur_ns) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_until,
        min(CASE WHEN NOT inferred THEN clock_ns END) OVER (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_sure
    FROM requests WHERE dur_ns IS NOT NULL AND NOT partial AND NOT undecided),
counted AS (
    SELECT * FROM whole WHERE first_recording = recording
        AND (NOT inferred OR coalesce(before_until <= clock_ns, true) AND coalesce(next_sure >= end_ns, true))),
ranked AS (
    SELECT trace, host, root, dur_ns,
        row_number() OVER (PARTITION BY root, version ORDER BY dur_ns DESC, recording, request) AS r,
        count(*) OVER (PARTITION BY root, version) AS n,
        row_number() OVER (PARTITION BY root, host ORDER BY dur_ns DESC, recording, request) AS of_host
    FROM counted)
SELECT root, host, count(*) AS requests, sum(CASE WHEN (r - 1) * 20 < n THEN 1 ELSE 0 END) AS slow,
    CAST(sum(CASE WHEN (r - 1) * 20 < n THEN 1 ELSE 0 END) AS DOUBLE) / count(*) AS slow_share,
    CAST(sum(CASE WHEN (r - 1) * 20 < n THEN 19 ELSE -1 END) AS DOUBLE) / 20 AS excess,
    max(CASE WHEN of_host = 1 THEN 'gotrace-slice -F --root ''' || replace(root, '''', '''"''"''') || ''' --slowest 1 '''
        || replace(trace, '''', '''"''"''') || '''' END) AS worst
FROM ranked GROUP BY root, host ORDER BY excess DESC, root, host;

-- unknown: how many requests are cut, or undecided, on each host, and what share of all
WITH seen AS (
    SELECT recording, request, service, host, version, goid, start_ns, clock_ns, clock_ns + dur_ns AS end_ns, dur_ns,
        CASE WHEN undecided THEN 'undecided' WHEN partial THEN 'cut' WHEN inferred THEN 'inferred' ELSE 'sure' END AS kind
    FROM requests WHERE dur_ns IS NOT NULL),
beside AS (
    SELECT *,
        min(recording) OVER (PARTITION BY service, host, version, goid, clock_ns, kind, CASE WHEN kind = 'sure' THEN dur_ns ELSE 0 END)
            AS first_recording,
        max(CASE WHEN kind IN ('sure', 'inferred') THEN 1 ELSE 0 END) OVER (PARTITION BY service, host, version, goid, clock_ns)
            AS whole_here,
        min(CASE WHEN kind IN ('cut', 'undecided') THEN recording END) OVER (PARTITION BY service, host, version, goid, clock_ns)
            AS first_part,
        max(CASE WHEN kind = 'sure' THEN end_ns END) OVER earlier AS until_sure,
        max(CASE WHEN kind = 'inferred' THEN end_ns END) OVER earlier AS until_inferred,
        max(CASE WHEN kind = 'cut' THEN end_ns END) OVER earlier AS until_cut,
        max(CASE WHEN kind = 'undecided' THEN end_ns END) OVER earlier AS until_undecided,
        min(CASE WHEN kind = 'sure' THEN clock_ns END) OVER later AS next_sure,
        min(CASE WHEN kind = 'inferred' THEN clock_ns END) OVER later AS next_inferred,
        min(CASE WHEN kind = 'cut' THEN clock_ns END) OVER later AS next_cut
    FROM seen
    WINDOW earlier AS (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        later AS (PARTITION BY service, host, version, goid ORDER BY clock_ns
            RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)),
parts AS (
    SELECT *,
        CASE kind
            WHEN 'sure' THEN first_recording = recording
            WHEN 'inferred' THEN first_recording = recording AND coalesce(until_sure <= clock_ns, true)
                AND coalesce(until_inferred <= clock_ns, true) AND coalesce(next_sure >= end_ns, true)
            WHEN 'cut' THEN whole_here = 0 AND (start_ns > 0 OR coalesce(until_sure <= clock_ns, true))
                AND coalesce(until_inferred <= clock_ns, true) AND coalesce(next_inferred >= end_ns, true)
            ELSE first_recording = recording AND coalesce(until_undecided <= clock_ns, true) AND coalesce(until_sure <= clock_ns, true)
                AND coalesce(until_inferred <= clock_ns, true) AND coalesce(until_cut <= clock_ns, true)
                AND coalesce(next_sure >= end_ns, true) AND coalesce(next_inferred >= end_ns, true)
                AND coalesce(next_cut >= end_ns, true) END AS may_count,
        CASE WHEN first_part <> recording OR (start_ns = 0 OR kind = 'undecided')
            AND (until_cut > clock_ns OR until_undecided > clock_ns) THEN 0 ELSE 1 END AS begins
    FROM beside),
things AS (
    SELECT *, sum(CASE WHEN may_count OR kind <> 'cut' THEN begins ELSE 0 END) OVER (PARTITION BY service, host, version, goid, kind IN ('cut', 'undecided')
            ORDER BY clock_ns, recording, end_ns, request ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS thing
    FROM parts),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY service, host, version, goid, kind, may_count, thing
            ORDER BY dur_ns DESC, recording, end_ns, request) AS place
    FROM things),
counted AS (
    SELECT host, version, kind = 'cut' AS partial, kind = 'undecided' AS undecided
    FROM ranked WHERE may_count AND (kind <> 'cut' OR place = 1))
SELECT host, version, sum(CASE WHEN partial OR undecided THEN 0 ELSE 1 END) AS whole_requests,
    sum(CASE WHEN partial THEN 1 ELSE 0 END) AS cut_requests, sum(CASE WHEN undecided THEN 1 ELSE 0 END) AS undecided_requests,
    CAST(sum(CASE WHEN partial THEN 1 ELSE 0 END) AS DOUBLE) / count(*) AS cut_share,
    CAST(sum(CASE WHEN undecided THEN 1 ELSE 0 END) AS DOUBLE) / count(*) AS undecided_share
FROM counted GROUP BY host, version ORDER BY host, version;
