// The few functions of libcurl that are used, opened on first use. See ccurl.c.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>

// Why libcurl cannot be used; NULL where it can. Every other function needs it to be there.
const char *ccurl_missing(void);

// The version that is installed, 0xMMmmpp; 0 where it does not say.
unsigned ccurl_version(void);

// A transfer, which keeps its connection for the next one. NULL where there is no memory.
void *ccurl_new(void);
void ccurl_free(void *transfer);
// Forgets all options; the connection stays open.
void ccurl_reset(void *transfer);

// libcurl's options by its numbers (curl.h; part of its stable interface). 0, or libcurl's error.
int ccurl_set_long(void *transfer, int option, long value);
int ccurl_set_pointer(void *transfer, int option, const void *value);
// `callback` gets a block of bytes, its size as two factors, and the context; what it gives is the number
// of bytes taken, and another number ends the transfer. That of an upload fills the block, and gives the number
// of bytes that it has put there; 0 ends the upload, 0x10000000 the transfer.
typedef size_t (*ccurl_callback)(char *bytes, size_t size, size_t count, void *context);
int ccurl_set_callback(void *transfer, int option, ccurl_callback callback);

// Runs the transfer to its end. 0, or libcurl's error.
int ccurl_perform(void *transfer);
long ccurl_status(void *transfer);
// What an error means.
const char *ccurl_error(int code);

// A list of header lines: the list with one more. NULL where there is no memory.
void *ccurl_list_append(void *list, const char *line);
void ccurl_list_free(void *list);

// Options.
enum {
  ccurl_write_data = 10001,
  ccurl_url = 10002,
  ccurl_range = 10007,
  ccurl_error_buffer = 10010,
  ccurl_user_agent = 10018,
  ccurl_http_header = 10023,
  ccurl_header_data = 10029,
  ccurl_user_name = 10173,
  ccurl_password = 10174,
  ccurl_aws_sigv4 = 10305,
  ccurl_read_data = 10009,
  ccurl_post_fields = 10015,
  ccurl_custom_request = 10036,
  ccurl_low_speed_limit = 19,
  ccurl_low_speed_time = 20,
  ccurl_upload = 46,
  ccurl_post = 47,
  ccurl_follow_location = 52,
  ccurl_max_redirects = 68,
  ccurl_no_signal = 99,
  ccurl_timeout_ms = 155,
  ccurl_post_redirects = 161,
  ccurl_connect_timeout_ms = 156,
  ccurl_protocols = 181,
  ccurl_redirect_protocols = 182,
  ccurl_tcp_keepalive = 213,
  ccurl_write_function = 20011,
  ccurl_read_function = 20012,
  ccurl_header_function = 20079,
  // 64 bits, as a long is on the machines there are.
  ccurl_upload_size = 30115,
  ccurl_post_size = 30120,
};

// Values of the options for protocols.
enum { ccurl_http = 1, ccurl_https = 2 };

// Errors that are told apart.
enum {
  ccurl_unsupported_protocol = 1,
  ccurl_malformed_url = 3,
  ccurl_host_not_resolved = 6,
  ccurl_not_connected = 7,
  ccurl_http2 = 16,
  ccurl_partial = 18,
  ccurl_write_error = 23,
  ccurl_timed_out = 28,
  ccurl_tls_connect = 35,
  ccurl_too_many_redirects = 47,
  ccurl_got_nothing = 52,
  ccurl_send_error = 55,
  ccurl_receive_error = 56,
  ccurl_http2_stream = 92,
};

#endif
