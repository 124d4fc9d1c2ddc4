tokctl run --env NPM_TOKEN=acme/bot -- npm install example
