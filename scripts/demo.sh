#!/usr/bin/env bash
# The whole pipeline on simulated plays. Called by `make demo`.
#   scripts/demo.sh FOLDER PLAYS FIRST LAST_TRAINED SCORED
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1 plays=$2 first=$3 trained=$4 scored=$5
uae=.venv/bin/uae
config=$folder/uae.toml
log=$folder/demo.log
began=$SECONDS
if [ -e "$folder" ]; then
  # Only what an earlier demo made is removed; anything else is somebody's data.
  [ -f "$log" ] || { printf 'demo: %s exists and was not made by the demo; choose another: make demo DEMO=folder\n' "$folder" >&2; exit 1; }
  rm -rf "$folder"
fi
mkdir -p "$folder"
: > "$log"

step() {  # step TEXT COMMAND...: the JSON log goes to a file, the summary line to the screen
  local text=$1 from=$SECONDS
  shift
  printf '%s\n' "$text"
  if ! "$uae" "$@" 2>> "$log" | sed 's/^/    /'; then
    printf 'demo: "uae %s" failed; the last lines of %s:\n' "$*" "$log" >&2
    tail -n 5 "$log" >&2
    exit 1
  fi
  printf '    %s s\n' "$((SECONDS - from))"
}

step "1/7 simulate nine days of plays with known attention" \
  simulate --out "$folder" --days 9 --plays "$plays" --first-day "$first"
step "2/7 ingest and cut sessions of the first eight days" \
  backfill --config "$config" --from "$first" --to "$trained" --until sessions
step "3/7 train attention and propensity on seven days, validate on one (two processes)" \
  train --config "$config" --date "$trained"
step "4/7 make them champion, if the gates are passed" \
  promote --config "$config"
step "5/7 the night of the last day: ingest, sessions, score, publish" \
  nightly --config "$config" --date "$scored"
# A quick look: users with about 100,000 plays, FM alone, the published pair of models. The report shows it.
step "6/7 do the weights help? base models on a sample of users, judged on the last day" \
  evaluate --config "$config" --date "$scored" --set evaluation.max_plays=100000 \
  --set 'evaluation.models=["FM"]' --set 'evaluation.weightings=["none", "constant", "champion"]' \
  --set 'evaluation.seeds=[1, 2]' --set evaluation.batch_size=2048
step "7/7 report" \
  report --config "$config" --date "$scored" --paper --out "$folder/report.html"

cat <<END

Done in $((SECONDS - began)) s. What there is to look at:
  report    $folder/report.html             open it in a browser
  weights   $folder/tables/weights
            .venv/bin/python -c "from uae_model.readers.arrow import read_weights_arrow as read; print(read('$folder/tables', '$scored').to_pandas())"
  registry  $folder/mlflow.db               .venv/bin/mlflow ui --backend-store-uri sqlite:///$folder/mlflow.db
  log       $log
  health    $uae doctor --config $config
END
