#!/bin/sh
# Encode a table, as a nightly job would: sh examples/encode_table.sh models:/NAME@ALIAS IN OUT
# IN has a column for each feature and one called id, which OUT keeps; both may be larger than memory.
set -eu
aepipe encode --model "$1" --input "$2" --keep id --output "$3"
