netrc=$(mktemp)
trap 'rm -f "$netrc"' EXIT
tokctl get acme/bot --format netrc > "$netrc"
NETRC=$netrc pip install \
    --index-url https://pypi.acme.example/simple example
