"""Names that modules of older releases had: by module, each release that removed names, and where these are now.

The table was made by comparing `dir()` of the modules of 21 releases, from 0.7 to 25.12.
"""

MOVED: dict[str, str] = {
    "_old.tls": """
        22.6 http.tls.context.CertSelector http.tls.context.CertSimple
        http.tls.context.create_context http.tls.context.find_cert http.tls.context.load_cert_dir
        http.tls.context.match_hostname http.tls.context.process_to_context
        http.tls.context.selector_sni_callback http.tls.context.server_name_callback
        http.tls.context.shorthand_to_ctx
    """,
    "app": """
        21.3 constants.HTTP_METHODS response.StreamingHTTPResponse
        21.12 application.logo.BASE_LOGO
        22.3 application.logo.get_logo application.motd.MOTD http.tls.context.process_to_context
        log.Colors server.async_server.AsyncioServer server.loop.try_use_uvloop
        server.protocols.http_protocol.HttpProtocol
        server.protocols.websocket_protocol.WebSocketProtocol
        22.6 exceptions.InvalidUsage
        22.9 application.constants.Mode
        23.3 models.futures.FutureStatic
    """,
    "asgi": """
        21.3 exceptions.InvalidUsage response.HTTPResponse response.StreamingHTTPResponse
    """,
    "blueprints": """
        21.3 constants.HTTP_METHODS
    """,
    "config": """
        20.9 exceptions.PyFileError helpers.import_string
        21.12 application.logo.BASE_LOGO
        22.9 log.deprecation
    """,
    "errorpages": """
        22.6 exceptions.InvalidUsage
        23.3 request.Request
    """,
    "handlers": """
        20.3 response.html
        22.3 errorpages.HTMLRenderer
        22.6 config.Config constants.DEFAULT_FORMAT exceptions.ContentRangeError
        exceptions.SanicException helpers.Default
        23.3 errorpages.BaseRenderer errorpages.TextRenderer errorpages.exception_response
        exceptions.HeaderNotFound exceptions.InvalidRangeType exceptions.RangeNotSatisfiable
        log.deprecation response.convenience.text
    """,
    "http": """
        18.12 helpers.STATUS_CODES helpers.is_entity_header helpers.is_hop_by_hop_header
        22.6 compat.Header exceptions.HeaderExpectationFailed exceptions.InvalidUsage
        exceptions.PayloadTooLarge exceptions.ServerError exceptions.ServiceUnavailable
        helpers.has_message_body http.http1.HTTP_CONTINUE touchup.meta.TouchUpMeta
    """,
    "request": """
        22.6 exceptions.InvalidUsage http.Http
        23.3 _alias.sanic_routing.route.Route compat.CancelledErrors compat.Header
        constants.CACHEABLE_HTTP_METHODS constants.DEFAULT_HTTP_CONTENT_TYPE
        constants.IDEMPOTENT_HTTP_METHODS constants.SAFE_HTTP_METHODS exceptions.BadRequest
        exceptions.BadURL exceptions.ServerError headers.parse_accept headers.parse_content_header
        headers.parse_credentials headers.parse_forwarded headers.parse_host
        headers.parse_xforwarded http.constants.HTTP http.constants.Stage http.stream.Stream
        log.deprecation models.http_types.Credentials models.protocol_types.TransportProtocol
        response.types.BaseHTTPResponse response.types.HTTPResponse
    """,
    "response": """
        20.3 helpers.STATUS_CODES
        22.12 compat.Header compat.open_async constants.DEFAULT_HTTP_CONTENT_TYPE cookies.CookieJar
        exceptions.SanicException exceptions.ServerError helpers.Default helpers.has_message_body
        http.http1.Http models.protocol_types.HTMLProtocol models.protocol_types.Range
    """,
    "router": """
        22.6 exceptions.MethodNotSupported
    """,
    "server": """
        21.3 compat.Header exceptions.HeaderExpectationFailed exceptions.InvalidUsage
        exceptions.PayloadTooLarge exceptions.ServerError response.HTTPResponse
        21.12 compat.OS_IS_WINDOWS compat.ctrlc_workaround_for_windows config.Config
        exceptions.RequestTimeout exceptions.ServiceUnavailable http.Http http.Stage
        models.protocol_types.TransportProtocol request.Request server.events.trigger_events
        server.socket.bind_socket server.socket.bind_unix_socket server.socket.remove_unix_socket
    """,
    "views": """
        21.12 constants.HTTP_METHODS exceptions.InvalidUsage
    """,
}
