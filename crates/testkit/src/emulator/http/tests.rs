//! The codings, the server and the client.

use super::*;

#[test]
fn codings_are_right() {
    assert_eq!(decode("%2F_cat%2Findices%3Fformat%3Djson+x%zz%4"), "/_cat/indices?format=json x%zz%4");
    assert_eq!(encode("/app/home?a=b c"), "%2Fapp%2Fhome%3Fa%3Db%20c");
    assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(basic("a", "b"), "Basic YTpi");
}

#[test]
fn one_connection_serves_several_requests_and_head_has_no_body() {
    let server = start(|_, request| Reply::html(request.query("q").unwrap_or("none"))).unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(b"HEAD /a HTTP/1.1\r\n\r\nGET /b?q=%31 HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 2);
    assert!(all.ends_with("\r\n\r\n1") && !all.contains("none"), "{all}");
    assert_eq!(server.requests(), ["HEAD /a", "GET /b?q=%31"]);
}

#[test]
fn bytes_that_are_not_http_get_a_400_at_once() {
    let server = start(|_, _| Reply::html("")).unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(&[0x16, 3, 1, 0, 5]).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

#[test]
fn the_client_reads_chunks() {
    let server = Emulator::serve(|mut peer| {
        peer.read_some()?;
        peer.write_all(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nx-a: 1\r\n\r\n")?;
        peer.write_all(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")?;
        peer.finish();
        Ok(())
    })
    .unwrap();
    let reply = ask(server.address, "GET", "/", &Headers::default(), b"").unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (201, b"abcde".as_slice()));
    assert_eq!(reply.headers.get("X-A"), Some("1"));
}
