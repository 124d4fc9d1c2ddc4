tokctl get acme/bot --format curl |
    curl --config - https://api.acme.example/me
