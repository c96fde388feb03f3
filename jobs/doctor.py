"""Job: check machine, configuration, registry and tables; one line a check, and nothing is changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.common import job_parser, print_summary, run, settings
from uae_model.config import Config
from uae_model.core.errors import ConfigError, UaeError, first_line
from uae_model.doctor import (
    Finding,
    Status,
    check_data,
    check_machine,
    check_setup,
    failed,
    ok,
    summary,
)
from uae_model.pipeline.job import open_job


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0 only if no check FAILED."""
    parser = job_parser("doctor", __doc__, "uae doctor --config demo/uae.toml")
    parser.set_defaults(log_level="WARNING")
    findings: list[Finding] = []
    code = run(parser, argv, lambda args: findings.extend(doctor(args)))
    return code or int(any(finding.status is Status.FAILED for finding in findings))


def doctor(args: argparse.Namespace) -> list[Finding]:
    """Print each finding as soon as it is there, then the summary."""
    findings = []
    for finding in examine(args):
        print(finding, flush=True)
        findings.append(finding)
    print_summary(summary(findings))
    return findings


def examine(args: argparse.Namespace) -> Iterator[Finding]:
    """Yield all findings; checks that need a failed one are left out."""
    machine = check_machine()
    yield from machine
    try:
        config = settings(args)
    except ConfigError as error:
        yield failed("configuration", str(error), "correct the file or the --set option")
        return
    yield ok("configuration", f"valid, digest {config.digest()}, {len(config.features)} features")
    yield from check_setup(config)
    if any(finding.status is Status.FAILED for finding in machine):
        yield failed("spark", "not started because of the findings above", "fix those first")
        return
    yield from _check_with_spark(args, config)


def _check_with_spark(args: argparse.Namespace, config: Config) -> Iterator[Finding]:
    try:
        job = open_job("doctor", config, args.spark_conf)
        yield ok("spark", f"{job.spark.version}, master {job.spark.sparkContext.master}")
        yield from check_data(job.store)
    except (UaeError, PySparkException, Py4JError) as error:
        yield failed(
            "spark",
            first_line(error, 300),
            "read the message; --log-level DEBUG and Spark's own log say more",
        )


if __name__ == "__main__":
    sys.exit(main())
