#!/usr/bin/env bash
# Runs a job on a cluster, by spark-submit.
#   scripts/submit.sh KIND JOB [arguments of the job]
#   KIND  standalone, yarn or kubernetes
#   JOB   a file of jobs/: nightly, backfill, train, ...
# Example:
#   UAE_SITE_CONF=cluster.conf scripts/submit.sh yarn nightly --config hdfs-demo.toml --date 2026-01-13
# spark-submit takes one file of settings, so this lays several over one another; a later one wins:
#   spark_conf/common.conf   what every session has
#   spark_conf/cluster.conf, elastic.conf, packed.conf   what several kinds of cluster share
#   spark_conf/KIND.conf     the kind of cluster
#   spark_conf/JOB.conf      what the job needs beyond it, where there is such a file; nightly and backfill run
#                            all steps in one session, so they take what ingest and sessions need
#   spark_conf/secure.conf   where UAE_SECURE=1: authentication and encryption; on a standalone cluster
#                            UAE_SPARK_SECRET_FILE names the file that holds the cluster's secret
#   $UAE_SITE_CONF           optional, yours: the master's address, queue, image, storage and its credentials
# Relative paths, also those in the job's arguments, count from the repository's root.
# `scripts/package.sh` makes what standalone and yarn ship; kubernetes runs an image, uae:VERSION by
# default, which deploy/Dockerfile makes.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'submit: %s\n' "$1" >&2; exit 2; }

[ $# -ge 2 ] || fail "usage: scripts/submit.sh standalone|yarn|kubernetes JOB [arguments of the job]"
kind=$1 job=$2
shift 2
program=jobs/$job.py
case "$kind" in
  standalone) layers="common cluster packed standalone" ;;
  yarn) layers="common cluster elastic packed yarn" ;;
  kubernetes) layers="common cluster elastic kubernetes" program=local:///opt/uae/$program ;;
  *) fail "no cluster kind is called '$kind'; there are standalone, yarn and kubernetes" ;;
esac
case "$job" in
  nightly | backfill) layers+=" ingest sessions" ;;
  *) [ ! -f "spark_conf/$job.conf" ] || layers+=" $job" ;;
esac
[ -f "jobs/$job.py" ] || fail "jobs/$job.py does not exist"
[ -x .venv/bin/spark-submit ] || fail ".venv has no Spark; run 'make setup' first"
if [ "$kind" != kubernetes ]; then
  [ -f dist/environment.tar.gz ] || fail "dist/environment.tar.gz does not exist; run 'make package' first"
fi
case "${UAE_SECURE:-0}" in
  1) layers+=" secure" ;;
  0) ;;
  *) fail "UAE_SECURE = '$UAE_SECURE'; it is 1 or 0" ;;
esac
secret=
if [ "$kind" = standalone ] && [ "${UAE_SECURE:-0}" = 1 ]; then
  file=${UAE_SPARK_SECRET_FILE:-}
  [ -n "$file" ] || fail "UAE_SECURE=1 on a standalone cluster needs UAE_SPARK_SECRET_FILE, the file with its secret"
  [ -f "$file" ] || fail "UAE_SPARK_SECRET_FILE names $file, which does not exist"
  (( (8#$(stat -L -c %a "$file") & 8#077) == 0 )) || fail "others may read $file; chmod 600 $file"
  secret=$(< "$file")
  [[ $secret =~ ^[[:graph:]]{32,}$ ]] \
    || fail "$file: a secret is one line of 32 signs or more; make one with: openssl rand -hex 32"
fi
site=${UAE_SITE_CONF:-}
[ -z "$site" ] || [ -f "$site" ] || fail "UAE_SITE_CONF names $site, which does not exist"

# The driver runs this checkout: executors must not run the code of an earlier `make package`.
[ "$kind" = kubernetes ] || scripts/package.sh code

settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
for layer in $layers; do
  cat "spark_conf/$layer.conf" >> "$settings"
done
if [ "$kind" = kubernetes ]; then
  version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' uae_model/__init__.py)
  echo "spark.kubernetes.container.image uae:$version" >> "$settings"
fi
[ -z "$site" ] || cat "$site" >> "$settings"
# Into the file alone, which only this user may read: command lines are for all to see.
[ -z "$secret" ] || printf '\nspark.authenticate.secret %s\n' "$secret" >> "$settings"

# A cluster's own Spark may be set for other projects; this one must match the pinned pyspark and Delta.
SPARK_HOME=$(.venv/bin/python -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME
"$SPARK_HOME/bin/spark-submit" --properties-file "$settings" "$program" "$@"
