"""A server that gives everybody tokens, and takes 50 ms for each refresh: many_grants.mjs."""

from server_process import ServerProcess
from world import HERE, NODE


class ManyGrants(ServerProcess):
    latency = 0.05

    def __init__(self):
        super().__init__(NODE, HERE / "many_grants.mjs")

    def definition(self):
        return (
            "[providers.acme]\n"
            f'authorization_endpoint = "{self.issuer}/authorize"\n'
            f'token_endpoint = "{self.issuer}/token"\n'
            'client_id = "made-up"\n'
        )
