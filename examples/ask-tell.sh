#!/bin/sh
# Tunes (x - 3)^2 by hand: create a study, ask for a trial, evaluate it, tell the result.
set -eu
if [ -z "${HONE_API:-}" ]; then # the local stack of this folder
  setting() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" .hone/local.json; }
  HONE_API=$(setting api) HONE_TEAM=$(setting team) HONE_TOKEN=$(setting token)
fi
hone() { # a call: method, path, body
  key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # so that a repeated request takes effect once
  curl -sS --fail-with-body --retry 8 --retry-max-time 60 -H "Idempotency-Key: $key" \
    -X "$1" "$HONE_API/teams/$HONE_TEAM/studies$2" ${3:+-d "$3"} \
    -H "Authorization: Bearer $HONE_TOKEN" -H "Content-Type: application/json"
}
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; } # the reply's field of that name

study=$(hone POST "" '{
  "name": "by-hand",
  "space": {"x": {"type": "float", "low": -10, "high": 10}},
  "objectives": [{"metric": "loss", "direction": "minimize"}],
  "budget": {"trials": 5}
}' | field study)

for _ in 1 2 3 4 5; do
  trial=$(hone POST "/$study/ask" '{}')
  number=$(echo "$trial" | field number) attempt=$(echo "$trial" | field attempt) x=$(echo "$trial" | field x)
  loss=$(awk "BEGIN { print ($x - 3) ^ 2 }")
  hone POST "/$study/trials/$number/tell" "{\"attempt\": $attempt, \"values\": {\"loss\": $loss}}"
  echo
done
hone GET "/$study/best"
echo
