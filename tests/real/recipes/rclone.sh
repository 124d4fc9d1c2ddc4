rclone config create acme webdav vendor=other \
    url=https://dav.acme.example \
    bearer_token_command="tokctl get acme/bot"
rclone lsf acme:
