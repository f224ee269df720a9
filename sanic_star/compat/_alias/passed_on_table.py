"""By module of Sanic, the names that it passes on and its twin lacks, with their homes."""

TABLE = """
app:
  sanic.application.constants.ServerStage sanic.application.ext.setup_ext
  sanic.application.state.ApplicationState sanic.base.root.BaseSanic sanic.compat.OS_IS_WINDOWS
  sanic.exceptions.BadRequest sanic.exceptions.ServerError sanic.exceptions.URLBuildError
  sanic.http.constants.Stage sanic.log.LOGGING_CONFIG_DEFAULTS sanic.log.error_logger
  sanic.logging.deprecation.deprecation sanic.logging.setup.setup_logging sanic.mixins.commands.CommandMixin
  sanic.mixins.listeners.ListenerEvent sanic.mixins.startup.StartupMixin sanic.mixins.static.StaticHandleMixin
  sanic.models.ctx_types.REPLContext sanic.models.futures.FutureException sanic.models.futures.FutureListener
  sanic.models.futures.FutureMiddleware sanic.models.futures.FutureRegistry sanic.models.futures.FutureRoute
  sanic.models.futures.FutureSignal sanic.models.handler_types.ListenerType
  sanic.models.handler_types.MiddlewareType sanic.response.types.BaseHTTPResponse
  sanic.response.types.HTTPResponse sanic.response.types.ResponseStream sanic.signals.Event
  sanic.touchup.meta.TouchUpMeta sanic.touchup.service.TouchUp sanic.types.shared_ctx.SharedContext
  sanic.worker.inspector.Inspector sanic.worker.loader.CertLoader sanic.worker.manager.WorkerManager
  sanic_routing.exceptions.FinalizationError sanic_routing.exceptions.NotFound
application.logo:
  sanic.helpers.is_atty
application.motd:
  sanic.helpers.is_atty
application.state:
  sanic.log.logger sanic.server.async_server.AsyncioServer
asgi:
  sanic.compat.Header sanic.exceptions.BadRequest sanic.exceptions.ServerError sanic.helpers.Default
  sanic.http.constants.Stage sanic.log.logger sanic.models.asgi.ASGIReceive sanic.models.asgi.ASGIScope
  sanic.models.asgi.ASGISend sanic.models.asgi.MockTransport sanic.models.server_types.ConnInfo
  sanic.request.types.Request sanic.response.types.BaseHTTPResponse
  sanic.server.websockets.connection.WebSocketConnection
base.root:
  sanic.base.meta.SanicMeta sanic.exceptions.SanicException sanic.mixins.commands.CommandMixin
  sanic.mixins.exceptions.ExceptionMixin sanic.mixins.listeners.ListenerMixin
  sanic.mixins.middleware.MiddlewareMixin sanic.mixins.routes.RouteMixin sanic.mixins.signals.SignalMixin
  sanic.mixins.static.StaticMixin
blueprints:
  sanic.base.root.BaseSanic sanic.models.futures.FutureRoute sanic.models.futures.FutureSignal
  sanic.models.futures.FutureStatic sanic.models.handler_types.ListenerType
  sanic.models.handler_types.MiddlewareType sanic.models.handler_types.RouteHandler
  sanic_routing.exceptions.NotFound sanic_routing.route.Route
cli.inspector_client:
  sanic.logging.color.Colors
compat:
  sanic.helpers.Default sanic.log.error_logger
config:
  sanic.errorpages.check_error_format sanic.http.http1.Http sanic.utils.load_module_from_file_location
errorpages:
  sanic.exceptions.BadRequest sanic.logging.deprecation.deprecation sanic.pages.error.ErrorPage
exceptions:
  sanic.models.protocol_types.Range
handlers.content_range:
  sanic.models.protocol_types.Range
handlers.directory:
  sanic.pages.directory_page.DirectoryPage sanic.pages.directory_page.FileInfo sanic.request.types.Request
  sanic.response.convenience.file
handlers.error:
  sanic.errorpages.BaseRenderer sanic.errorpages.TextRenderer sanic.errorpages.exception_response
  sanic.exceptions.ServerError sanic.log.error_logger sanic.models.handler_types.RouteHandler
  sanic.request.types.Request sanic.response.convenience.text sanic.response.types.HTTPResponse
headers:
  sanic.helpers.STATUS_CODES
http.http1:
  sanic.compat.Header sanic.exceptions.BadRequest sanic.exceptions.ExpectationFailed
  sanic.exceptions.PayloadTooLarge sanic.exceptions.RequestCancelled sanic.exceptions.ServerError
  sanic.exceptions.ServiceUnavailable sanic.helpers.has_message_body sanic.http.constants.Stage
  sanic.http.stream.Stream sanic.log.access_logger sanic.log.error_logger sanic.log.logger
  sanic.touchup.meta.TouchUpMeta
http.http3:
  sanic.compat.Header sanic.constants.LocalCertCreator sanic.exceptions.BadRequest
  sanic.exceptions.PayloadTooLarge sanic.exceptions.SanicException sanic.exceptions.ServerError
  sanic.helpers.has_message_body sanic.http.constants.Stage sanic.http.stream.Stream
  sanic.http.tls.context.CertSelector sanic.http.tls.context.SanicSSLContext sanic.log.logger
  sanic.logging.color.Colors sanic.models.protocol_types.TransportProtocol sanic.models.server_types.ConnInfo
http.stream:
  sanic.http.constants.Stage
http.tls.context:
  sanic.log.logger
http.tls.creators:
  sanic.application.constants.Mode sanic.application.spinner.loading sanic.http.tls.context.SanicSSLContext
logging.deprecation:
  sanic.helpers.is_atty sanic.logging.color.Colors
logging.formatter:
  sanic.helpers.json_dumps
logging.loggers:
  sanic.logging.filter.VerbosityFilter
middleware:
  sanic.models.handler_types.MiddlewareType
mixins.base:
  sanic.base.meta.SanicMeta
mixins.commands:
  sanic.base.meta.SanicMeta sanic.models.futures.FutureCommand
mixins.exceptions:
  sanic.base.meta.SanicMeta sanic.models.futures.FutureException
mixins.listeners:
  sanic.base.meta.SanicMeta sanic.exceptions.BadRequest sanic.models.futures.FutureListener
  sanic.models.handler_types.ListenerType sanic.models.handler_types.Sanic
mixins.middleware:
  sanic.base.meta.SanicMeta sanic.middleware.Middleware sanic.middleware.MiddlewareLocation
  sanic.models.futures.FutureMiddleware sanic.models.handler_types.MiddlewareType sanic.router.Router
mixins.routes:
  sanic.base.meta.SanicMeta sanic.constants.HTTP_METHODS sanic.mixins.base.BaseMixin
  sanic.models.futures.FutureRoute sanic.models.futures.FutureStatic sanic.models.handler_types.RouteHandler
  sanic.types.hashable_dict.HashableDict sanic_routing.route.Route
mixins.signals:
  sanic.base.meta.SanicMeta sanic.models.futures.FutureSignal sanic.models.handler_types.SignalHandler
  sanic.signals.Event sanic.signals.Signal sanic.types.hashable_dict.HashableDict
mixins.startup:
  sanic.application.constants.Mode sanic.application.constants.ServerStage sanic.application.ext.setup_ext
  sanic.application.logo.get_logo sanic.application.motd.MOTD sanic.application.state.ApplicationServerInfo
  sanic.base.meta.SanicMeta sanic.compat.OS_IS_WINDOWS sanic.exceptions.ServerError
  sanic.exceptions.ServerKilled sanic.helpers.Default sanic.helpers.is_atty sanic.http.constants.HTTP
  sanic.http.tls.context.SanicSSLContext sanic.http.tls.context.process_to_context
  sanic.http.tls.creators.get_ssl_context sanic.log.error_logger sanic.log.logger sanic.logging.color.Colors
  sanic.logging.deprecation.deprecation sanic.logging.setup.setup_logging
  sanic.models.handler_types.ListenerType sanic.server.async_server.AsyncioServer
  sanic.server.events.trigger_events sanic.server.goodbye.get_goodbye sanic.server.loop.try_use_uvloop
  sanic.server.loop.try_windows_loop sanic.server.protocols.http_protocol.HttpProtocol
  sanic.server.protocols.websocket_protocol.WebSocketProtocol sanic.server.runners.serve
  sanic.server.socket.configure_socket sanic.server.socket.remove_unix_socket sanic.worker.loader.AppLoader
  sanic.worker.manager.WorkerManager sanic.worker.multiplexer.WorkerMultiplexer sanic.worker.reloader.Reloader
  sanic.worker.serve.worker_serve
mixins.static:
  sanic.base.meta.SanicMeta sanic.exceptions.FileNotFound sanic.exceptions.HeaderNotFound
  sanic.exceptions.RangeNotSatisfiable sanic.handlers.content_range.ContentRangeHandler
  sanic.handlers.directory.DirectoryHandler sanic.log.error_logger sanic.mixins.base.BaseMixin
  sanic.models.futures.FutureStatic sanic.request.types.Request sanic.response.convenience.file
  sanic.response.convenience.file_stream sanic.response.convenience.guess_content_type
  sanic.response.convenience.validate_file sanic.response.types.HTTPResponse sanic_routing.route.Route
models.asgi:
  sanic.exceptions.BadRequest sanic.models.protocol_types.TransportProtocol
  sanic.server.websockets.connection.WebSocketConnection
models.futures:
  sanic.handlers.directory.DirectoryHandler sanic.models.handler_types.ErrorMiddlewareType
  sanic.models.handler_types.ListenerType sanic.models.handler_types.MiddlewareType
  sanic.models.handler_types.SignalHandler sanic.types.hashable_dict.HashableDict
models.handler_types:
  sanic.response.types.BaseHTTPResponse sanic.response.types.HTTPResponse
models.server_types:
  sanic.models.protocol_types.TransportProtocol
pages.base:
  sanic.pages.css.CSS
pages.directory_page:
  sanic.pages.base.BasePage
pages.error:
  sanic.pages.base.BasePage sanic.request.types.Request
request.form:
  sanic.headers.parse_content_header sanic.log.logger
request.types:
  sanic.compat.CancelledErrors sanic.cookies.request.CookieRequestParameters
  sanic.cookies.request.parse_cookie sanic.exceptions.URITooLong sanic.http.constants.HTTP
  sanic.http.constants.Stage sanic.http.stream.Stream sanic.log.error_logger sanic.models.asgi.ASGIScope
  sanic.models.http_types.Credentials sanic.models.protocol_types.TransportProtocol
  sanic.request.form.parse_multipart_form
response.convenience:
  sanic.models.protocol_types.HTMLProtocol sanic.models.protocol_types.Range
response.types:
  sanic.cookies.response.Cookie sanic.cookies.response.CookieJar sanic.helpers.json_dumps
  sanic.http.http1.Http
router:
  sanic.errorpages.check_error_format sanic.models.handler_types.RouteHandler sanic_routing.group.RouteGroup
  sanic_routing.router.BaseRouter
server.loop:
  sanic.compat.OS_IS_WINDOWS sanic.utils.str_to_bool
server.protocols.base_protocol:
  sanic.exceptions.RequestCancelled sanic.log.error_logger sanic.models.server_types.ConnInfo
  sanic.models.server_types.Signal
server.protocols.http_protocol:
  sanic.exceptions.RequestCancelled sanic.exceptions.RequestTimeout sanic.exceptions.ServiceUnavailable
  sanic.http.constants.HTTP sanic.http.constants.Stage sanic.http.http1.Http sanic.http.http3.Http3
  sanic.log.access_logger sanic.log.error_logger sanic.log.logger sanic.log.websockets_logger
  sanic.logging.color.Colors sanic.models.server_types.ConnInfo sanic.request.types.Request
  sanic.server.protocols.base_protocol.SanicProtocol sanic.touchup.meta.TouchUpMeta
server.protocols.websocket_protocol:
  sanic.exceptions.SanicException sanic.log.access_logger sanic.log.websockets_logger
  sanic.request.types.Request sanic.server.protocols.http_protocol.HttpProtocol
  sanic.server.websockets.impl.WebsocketImplProtocol
server.runners:
  sanic.application.ext.setup_ext sanic.compat.OS_IS_WINDOWS sanic.compat.ctrlc_workaround_for_windows
  sanic.config.Config sanic.exceptions.ServerError sanic.http.http3.SessionTicketStore
  sanic.http.http3.get_config sanic.http.tls.creators.get_ssl_context sanic.log.error_logger
  sanic.log.server_logger sanic.logging.setup.setup_logging sanic.models.server_types.Signal
  sanic.server.async_server.AsyncioServer sanic.server.protocols.http_protocol.Http3Protocol
  sanic.server.protocols.http_protocol.HttpProtocol sanic.server.socket.bind_unix_socket
  sanic.server.socket.remove_unix_socket
server.socket:
  sanic.http.constants.HTTP
server.websockets.frame:
  sanic.exceptions.ServerError
server.websockets.impl:
  sanic.log.websockets_logger sanic.server.protocols.base_protocol.SanicProtocol
  sanic.server.websockets.frame.WebsocketFrameAssembler
signals:
  sanic.log.logger sanic.models.handler_types.SignalHandler sanic_routing.group.RouteGroup
  sanic_routing.route.Route sanic_routing.router.BaseRouter
startup.errors:
  sanic.exceptions.ServerError sanic.log.error_logger sanic.worker.daemon.DaemonError
touchup.meta:
  sanic.base.meta.SanicMeta sanic.exceptions.SanicException sanic.touchup.service.TouchUp
types.shared_ctx:
  sanic.logging.color.Colors
views:
  sanic.models.handler_types.RouteHandler
worker.constants:
  sanic.compat.UpperStrEnum
worker.daemon:
  sanic.compat.OS_IS_WINDOWS sanic.log.logger
worker.inspector:
  sanic.request.types.Request sanic.response.convenience.json
worker.loader:
  sanic.http.tls.context.process_to_context sanic.http.tls.creators.MkcertCreator
  sanic.http.tls.creators.TrustmeCreator
worker.manager:
  sanic.compat.OS_IS_WINDOWS sanic.exceptions.ServerKilled sanic.log.error_logger sanic.log.logger
  sanic.worker.constants.ProcessState sanic.worker.restarter.Restarter
worker.multiplexer:
  sanic.log.logger sanic.logging.color.Colors sanic.worker.constants.ProcessState
worker.process:
  sanic.log.logger sanic.logging.color.Colors sanic.worker.constants.RestartOrder
worker.reloader:
  sanic.server.events.trigger_events sanic.worker.loader.AppLoader
worker.restarter:
  sanic.log.error_logger sanic.worker.constants.ProcessState sanic.worker.constants.RestartOrder
  sanic.worker.process.WorkerProcess
worker.serve:
  sanic.application.constants.ServerStage sanic.application.state.ApplicationServerInfo
  sanic.http.constants.HTTP sanic.log.error_logger sanic.logging.setup.setup_logging
  sanic.models.server_types.Signal sanic.server.protocols.http_protocol.HttpProtocol
  sanic.worker.loader.AppLoader sanic.worker.loader.CertLoader sanic.worker.multiplexer.WorkerMultiplexer
  sanic.worker.process.Worker sanic.worker.process.WorkerProcess
"""
