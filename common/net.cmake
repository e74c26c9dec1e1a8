target_sources(trytok_common PRIVATE
  http_client.c http_client_request.c http_client_socket.c
  http_gate.c
  http_server.c http_server_connection.c http_server_exchange.c http_server_mhd.c http_server_raw.c
  http_server_route.c http_server_stream.c http_server_sweep.c
  loop.c
  problem.c)
