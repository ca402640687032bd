#!/bin/sh
# Works in any continuous integration: installs the harness, fetches what the results need, checks them.
set -e
pip install lapca-bench
lapca-bench fetch help-pages || echo "not fetched: what needs it is not checked here"
lapca-bench submit --check results --card card.toml
