# What lives on an event loop.
target_sources(trytok_common PRIVATE
  loop.c
  http/http_client.c http/http_client_request.c http/http_client_socket.c
  http/http_gate.c
  http/http_server.c http/http_server_connection.c http/http_server_exchange.c
  http/http_server_mhd.c http/http_server_raw.c http/http_server_route.c
  http/http_server_stream.c http/http_server_sweep.c
  http/problem.c)
