#!/bin/sh
# Stands in for a browser: leaves the address, and what it can see of the environment, for the
# test to pick up. The rename makes the address appear whole.
env >"$HOME/browser.env"
printf '%s' "$1" >"$HOME/address.part"
mv "$HOME/address.part" "$HOME/address"
