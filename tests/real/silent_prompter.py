"""Owns the name of GNOME's unlock prompter on the session bus, and never shows anything.

To gnome-keyring this looks like a dialog that the person has not answered yet.
"""

import os

from jeepney import HeaderFields, MessageType, message_bus, new_method_return
from jeepney.io.blocking import open_dbus_connection

with open_dbus_connection(os.environ["DBUS_SESSION_BUS_ADDRESS"]) as connection:
    connection.send_and_get_reply(
        message_bus.RequestName("org.gnome.keyring.SystemPrompter")
    )
    while True:
        message = connection.receive()
        if message.header.message_type is MessageType.method_call:
            # `BeginPrompting` is acknowledged, and that is all that ever happens.
            assert HeaderFields.member in message.header.fields
            connection.send(new_method_return(message))
