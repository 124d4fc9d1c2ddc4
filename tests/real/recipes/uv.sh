tokctl run --env UV_INDEX_ACME_USERNAME=acme/bot/username \
    --env UV_INDEX_ACME_PASSWORD=acme/bot -- \
    uv pip install --index acme=https://pypi.acme.example/simple example
