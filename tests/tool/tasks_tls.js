// tasks_tls.js - more of them, over TLS and HTTP/2. {NAME:}: the URL of one of these servers; {NAME:port}: its port.
'use strict';

exports.servers = {
    expired: {certificate: 'expired'},
    wrong: {certificate: 'wrong-host'},
    self: {certificate: 'self-signed'},
    old: {certificate: 'server-rsa', maxVersion: 'TLSv1.2'},
    new: {certificate: 'server-rsa', minVersion: 'TLSv1.3'},
    two: {certificate: 'server-rsa', http2: true},
    mutual: {certificate: 'server-rsa', requestCert: true, rejectUnauthorized: false},
};

const task = (name, args, more) => ({name: `TLS: ${name}`, args: args.split(' ').filter(a => a !== ''), ...more});

exports.list = [
    task('self-signed', '{self:}/'),
    task('self-signed, -k', '-k {self:}/'),
    task('expired', '--cacert {CA} {expired:}/'),
    task('expired, -k', '-k {expired:}/echo -d a=b'),
    task('wrong host', '--cacert {CA} {wrong:}/'),
    task('1.3 of a server of 1.2', '--tlsv1.3 --cacert {CA} {old:}/'),
    task('1.2 at most of a server of 1.3', '--tls-max 1.2 --cacert {CA} {new:}/'),
    task('1.2 of a server of 1.2', '--tlsv1.2 --tls-max 1.2 --cacert {CA} {old:}/'),
    task('1.3', '--tlsv1.3 --cacert {CA} {new:}/'),
    task('--resolve', '--resolve localhost:{s}:127.0.0.1 --cacert {CA} {https}/'),
    task('--resolve of a name that is not in it', '--resolve a.invalid:{s}:127.0.0.1 --cacert {CA} https://a.invalid:{s}/'),
    task('--connect-to', '--connect-to localhost:1:127.0.0.1:{s} --cacert {CA} https://localhost:1/'),
    task('redirect to https', '-L --cacert {CA} {http}/secure'),
    task('redirect to https, not followed', '-w %{redirect_url} {http}/secure'),
    task('redirect to an untrusted server', '-L {http}/secure'),
    task('credentials', '-u a:b --cacert {CA} {https}/auth'),
    task('plain HTTP to TLS', 'http://127.0.0.1:{s}/'),
    task('a version', '-w %{http_version} --http1.1 --cacert {CA} {https}/'),
    task('HTTP/2', '--http2 --cacert {CA} -w %{http_version} {two:}/'),
    task('POST over HTTP/2', '--http2 --cacert {CA} -d a=b -H X-A:b {two:}/echo'),
    task('JSON over HTTP/2', '--http2 --cacert {CA} --json {"a":1} {two:}/echo'),
    task('headers of HTTP/2', '--http2 -I --cacert {CA} -w %{response_code} -o out {two:}/'),
    task('upload over HTTP/2', '--http2 --cacert {CA} -T up {two:}/echo', {files: {up: 'uploaded'}}),
    task('--http2 of a server of HTTP/1.1', '--http2 --cacert {CA} -w %{http_version} {https}/'),
    task('no such certificate', '--cert missing.pem --cacert {CA} {mutual:}/'),
    task('verification in -w', '--cacert {CA} -w %{ssl_verify_result}-%{scheme} {https}/'),
];
