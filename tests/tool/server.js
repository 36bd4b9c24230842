// server.js - a server of HTTP/1.1 that records what it is asked, byte for byte but for chunks, and answers by the path.
'use strict';
const http2 = require('http2');
const net = require('net');
const tls = require('tls');
const zlib = require('zlib');

const modified = 'Wed, 01 Jan 2020 00:00:00 GMT';
const hundred = Array.from({length: 100}, (_, i) => String.fromCharCode(97 + i % 26)).join('');

function answer(status, headers, body, more) {
    return {status, headers, body: body === undefined ? '' : body, ...more};
}

function ranged(request) {
    const m = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range || '');
    if (!m) return answer('200 OK', ['Accept-Ranges: bytes'], hundred);
    const from = m[1] === '' ? 100 - m[2] : +m[1];
    const to = m[1] === '' || m[2] === '' ? 99 : Math.min(+m[2], 99);
    if (from > 99) return answer('416 Range Not Satisfiable', ['Content-Range: bytes */100'], 'no\n');
    return answer('206 Partial Content', [`Content-Range: bytes ${from}-${to}/100`], hundred.slice(from, to + 1));
}

const routes = {
    '/': () => answer('200 OK', ['Content-Type: text/plain', 'X-Odd-CASE: Value'], 'hello\n'),
    '/empty': () => answer('200 OK', [], ''),
    '/nothing': () => answer('204 No Content', [], null),
    '/file.txt': () => answer('200 OK', ['Content-Type: text/plain'], 'a file\n'),
    '/dir/file.bin': () => answer('200 OK', [`Last-Modified: ${modified}`], 'binary\0file'),
    '/echo': r => answer('200 OK', [], r.body),
    '/json': () => answer('200 OK', ['Content-Type: application/json; charset=utf-8'], '{"a":1}'),
    '/named': () => answer('200 OK', ['Content-Disposition: attachment; filename="given name.txt"'], 'named\n'),
    '/evil': () => answer('200 OK', ['Content-Disposition: attachment; filename="../../evil.txt"'], 'evil\n'),
    '/bare': () => answer('200 OK', ['Content-Disposition: attachment; filename=bare.txt; size=3'], 'bare\n'),
    '/range': ranged,
    '/plain': () => answer('200 OK', [], hundred),
    '/cond': r => r.headers['if-modified-since'] || r.headers['if-none-match']
        ? answer('304 Not Modified', ['ETag: "x"'], null)
        : answer('200 OK', ['ETag: "x"', `Last-Modified: ${modified}`], 'changed\n'),
    '/chunked': () => answer('200 OK', ['Trailer: X-Sum'], hundred, {chunked: ['X-Sum: 5', 'x-more: y']}),
    '/set': () => answer('200 OK', ['Set-Cookie: a=1; Path=/', 'Set-Cookie: b=2; Path=/dir; HttpOnly',
        'Set-Cookie: c=3; Expires=Wed, 01 Jan 2087 00:00:00 GMT', 'Set-Cookie: d=4; Domain=example.com',
        'Set-Cookie: e=5; Max-Age=0'], 'set\n'),
    '/jar': () => answer('302 Found', ['Set-Cookie: hop=1', 'Location: /echo'], ''),
    '/astray': r => answer('302 Found', [`Location: https://localhost:${r.https}/stray`], ''),
    '/stray': () => answer('302 Found', ['Location: /cookie'], ''),
    '/cookie': r => answer('200 OK', [], `${r.headers.cookie || 'none'}\n`),
    '/redirect': () => answer('302 Found', ['Location: /file.txt'], 'gone\n'),
    '/secure': r => answer('302 Found', [`Location: https://localhost:${r.https}/file.txt`], ''),
    '/moved': () => answer('301 Moved Permanently', ['Location: /echo'], 'gone\n'),
    '/keep': () => answer('307 Temporary Redirect', ['Location: /echo'], ''),
    '/keep-late': () => answer('308 Permanent Redirect', ['Location: /echo'], ''),
    '/unexpecting': r => r.headers.expect ? answer('417 Expectation Failed', [], '') : answer('200 OK', [], r.body),
    '/full': () => answer('413 Content Too Large', ['Connection: close'], 'too much\n'),
    '/loop': () => answer('302 Found', ['Location: /loop'], ''),
    '/busy': r => r.seen < 3 ? answer('503 Service Unavailable', ['Retry-After: 0'], 'busy\n')
        : answer('200 OK', [], 'free\n'),
    '/auth': r => r.headers.authorization ? answer('200 OK', [], 'in\n')
        : answer('401 Unauthorized', ['WWW-Authenticate: Basic realm="x"'], 'who\n'),
    '/as-user': r => answer('302 Found', [`Location: http://u:p@${r.headers.host}/auth`], ''),
    '/early': () => answer('200 OK', ['Content-Length: 50'], 'short', {cut: true}),
    '/cut-range': r => r.seen > 1 ? ranged(r) : answer('206 Partial Content',
        ['Content-Range: bytes 10-99/100', 'Content-Length: 90'], 'klm', {cut: true}),
    '/elsewhere': () => answer('206 Partial Content', ['Content-Range: bytes 0-9/10'], '0123456789'),
    '/no-chunks': () => ({raw: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n'}),
    '/cut-chunks': () => ({raw: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'}),
    '/socket': () => ({raw: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'}),
    '/garbage': () => ({raw: 'what is this\r\n\r\n'}),
    '/nobody': () => ({raw: ''}),
    '/huge': () => answer('200 OK', [], 'x'.repeat(300000)),
    '/slow': () => null,
    '/hostile': () => answer('200 OK', ['Content-Disposition: attachment; filename="a\\"b:c\u00e9\t..txt"'], 'x\n'),
    '/slashes': () => answer('200 OK', ['Content-Disposition: attachment; filename="..\\\\a/b/../../c.txt"'], 'x\n'),
    '/unnamed': () => answer('200 OK', ['Content-Disposition: attachment; filename=""'], 'x\n'),
    '/hidden': () => answer('200 OK', ['Content-Disposition: attachment; filename=.profile'], 'x\n'),
    '/semicolon': () => answer('200 OK', ["Content-Disposition: inline; name=x; FileName='a;b c.txt' ; y=z"], 'x\n'),
    '/zipped': r => /gzip/.test(r.headers['accept-encoding'] || '')
        ? answer('200 OK', ['Content-Encoding: gzip'], zlib.gzipSync('unzipped\n').toString('latin1'))
        : answer('200 OK', [], 'unzipped\n'),
    '/attributes': () => answer('200 OK', ['Set-Cookie: plain=1', 'Set-Cookie: secure=2; Secure', 'Set-Cookie: http=3; HttpOnly; SameSite=Lax',
        'Set-Cookie: sub=4; Domain=sub.localhost', 'Set-Cookie: path=5; Path=/dir', 'Set-Cookie: gone=6; Max-Age=-1',
        'Set-Cookie: past=7; Expires=Thu, 01 Jan 1970 00:00:01 GMT', 'Set-Cookie: later=8; Expires=Wed, 01 Jan 2087 00:00:00 GMT',
        'Set-Cookie: quoted="9 9"', 'Set-Cookie: __Secure-a=10; Secure', 'Set-Cookie: __Host-b=11; Path=/; Secure', 'Set-Cookie: noname'], 'set\n'),
    '/hinted': () => answer('200 OK', [], 'page\n', {interim: ['Link: </a.css>; rel=preload']}),
};

function find(request) {
    const path = request.path.replace(/^http:\/\/[^/]*/, ''); // it is asked as a proxy
    const route = routes[path.split('?')[0]];
    const status = /^\/(?:status|late)\/(\d+)$/.exec(path);
    if (status) return answer(`${status[1]} Status`, [], status[1] === '204' ? null : `status ${status[1]}\n`);
    return route ? route(request) : answer('404 Not Found', [], 'not found\n');
}

function respond(socket, request) {
    const a = find(request);
    if (a === null) return; // never
    if (a.raw !== undefined) { socket.end(a.raw); return; }
    const head = request.method === 'HEAD', sized = a.headers.some(h => /^content-length/i.test(h));
    if (a.interim) socket.write(`HTTP/1.1 103 Early Hints\r\n${a.interim.join('\r\n')}\r\n\r\n`);
    let text = `HTTP/1.1 ${a.status}\r\nServer: test\r\n` + a.headers.map(h => h + '\r\n').join('');
    if (a.chunked) {
        text += 'Transfer-Encoding: chunked\r\n\r\n';
        if (!head) text += `${a.body.length.toString(16)}\r\n${a.body}\r\n0\r\n${a.chunked.join('\r\n')}\r\n\r\n`;
    } else {
        if (!sized && a.body !== null) text += `Content-Length: ${a.body.length}\r\n`;
        text += '\r\n' + (head || a.body === null ? '' : a.body);
    }
    if (a.cut) socket.end(text, 'latin1');
    else socket.write(text, 'latin1');
}

// Where the first request in text ends, -1 if it is not whole; its body, decoded.
function whole(text, request) {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return -1;
    const lines = text.slice(0, end).split('\r\n');
    [request.method, request.path] = lines[0].split(' ');
    request.headers = {};
    for (const line of lines.slice(1)) {
        const at = line.indexOf(':');
        request.headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
    }
    const begin = end + 4, length = +(request.headers['content-length'] || 0);
    if (/chunked/i.test(request.headers['transfer-encoding'] || '')) {
        // How a body is cut is each program's own matter, and where among the fields it says that it is.
        const size = decode(text, begin, request);
        request.text = lines.filter(l => !/^transfer-encoding/i.test(l)).join('\r\n') +
            '\r\nTransfer-Encoding: chunked\r\n\r\n' + request.body;
        return size;
    }
    if (text.length < begin + length) return -1;
    request.body = text.slice(begin, begin + length);
    request.text = text.slice(0, begin + length);
    return begin + length;
}

// Answered before a body that waits for 100 Continue.
const unwanted = ['/unexpecting', '/full'];

// Where a chunked body ends, -1 if it is not whole.
function decode(text, at, request) {
    request.body = '';
    for (;;) {
        const end = text.indexOf('\r\n', at);
        if (end < 0) return -1;
        const size = parseInt(text.slice(at, end), 16);
        if (text.length < end + 2 + size + 2) return -1;
        request.body += text.slice(end + 2, end + 2 + size);
        at = end + 2 + size + 2;
        if (size === 0) return at;
    }
}

class Recorder {
    constructor() { this.requests = []; this.seen = {}; this.sockets = new Set(); this.ports = {}; }

    // What was asked since the last call.
    take() {
        const taken = this.requests;
        this.requests = [];
        this.seen = {};
        for (const socket of this.sockets) socket.destroy();
        return taken;
    }

    serve(socket) {
        let text = '';
        this.sockets.add(socket);
        socket.on('close', () => this.sockets.delete(socket));
        socket.on('error', () => {});
        socket.on('data', data => {
            text += data.toString('latin1');
            for (;;) {
                const request = {};
                const size = whole(text, request);
                if (/^expect: 100-continue/im.test(text) && size < 0 && !socket.continued &&
                    text.includes('\r\n\r\n')) {
                    socket.continued = true;
                    if (unwanted.includes(request.path)) {
                        this.requests.push(text);
                        text = '';
                        respond(socket, request);
                        return;
                    }
                    socket.write('HTTP/1.1 100 Continue\r\n\r\n');
                }
                if (size < 0) return;
                this.requests.push(request.text);
                text = text.slice(size);
                socket.continued = false;
                request.seen = this.seen[request.path] = (this.seen[request.path] || 0) + 1;
                request.https = this.ports.https;
                respond(socket, request);
            }
        });
    }
}

// A proxy that makes tunnels to ports of this machine, but to whom it does not.
function tunnel(recorder, socket) {
    let text = '';
    recorder.sockets.add(socket);
    socket.on('close', () => recorder.sockets.delete(socket));
    socket.on('error', () => {});
    const ask = data => {
        text += data.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', ask);
        recorder.requests.push(text.slice(0, end + 4));
        const [, host, port] = /^CONNECT (\S*):(\d+) /.exec(text) || [];
        if (host === undefined || host === 'denied.test') {
            socket.end('HTTP/1.1 403 Forbidden\r\nX-Reason: no\r\nContent-Length: 3\r\n\r\nno\n');
            return;
        }
        const there = net.connect(port, '127.0.0.1', () => {
            socket.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n');
            socket.pipe(there);
            there.pipe(socket);
        });
        there.on('error', () => socket.destroy());
        socket.on('close', () => there.destroy());
    };
    socket.on('data', ask);
}

function listen(server) {
    return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

// The same over HTTP/2: what was asked as it would stand in HTTP/1.1, fields in order of their names.
function serve_2(recorder, stream, fields) {
    const body = [];
    stream.on('error', () => {});
    stream.on('data', data => body.push(data));
    stream.on('end', () => {
        const text = Buffer.concat(body).toString('latin1');
        const lines = Object.keys(fields).filter(name => name[0] !== ':' && name !== 'user-agent').sort()
            .map(name => `${name}: ${fields[name]}\r\n`).join('');
        recorder.requests.push(`${fields[':method']} ${fields[':path']} HTTP/2\r\n${lines}\r\n${text}`);
        const path = fields[':path'];
        recorder.seen[path] = (recorder.seen[path] || 0) + 1;
        const said = find({path, headers: fields, body: text, https: recorder.ports.https, seen: recorder.seen[path]});
        if (said === null || stream.destroyed) return;
        if (said.raw !== undefined) { stream.close(2); return; } // what is not HTTP
        const head = {':status': parseInt(said.status, 10)};
        if (said.body !== null && !said.headers.some(h => /^content-length/i.test(h))) head['content-length'] = said.body.length;
        for (const line of said.headers) {
            const name = line.split(': ')[0].toLowerCase(), value = line.slice(line.indexOf(': ') + 2);
            if (name !== 'connection') head[name] = head[name] === undefined ? value : [].concat(head[name], value);
        }
        if (said.interim) stream.additionalHeaders({':status': 103, link: said.interim[0].slice(6)});
        stream.respond(head, {sendDate: false});
        const content = Buffer.from(said.body || '', 'latin1');
        if (said.cut) stream.write(content, () => stream.close(2));
        else stream.end(content);
    });
}

// Servers by their names: http, https, and others of TLS, each {identity, options}; http2: it speaks that too.
// socket: the path of a Unix socket that the first of them is at, too.
exports.start = async (identity, others, socket) => {
    const recorder = new Recorder();
    const servers = {http: net.createServer({noDelay: true}, s => recorder.serve(s)),
                     proxy: net.createServer({noDelay: true}, s => tunnel(recorder, s)),
                     secureProxy: tls.createServer({...identity, ALPNProtocols: ['http/1.1']}, s => tunnel(recorder, s)),
                     https: tls.createServer({...identity, ALPNProtocols: ['http/1.1']}, s => recorder.serve(s))};
    for (const [name, other] of Object.entries(others || {})) {
        servers[name] = other.http2 ? http2.createSecureServer(other.options)
            : tls.createServer({ALPNProtocols: ['http/1.1'], ...other.options}, s => recorder.serve(s));
        if (other.http2) {
            servers[name].on('stream', (stream, fields) => serve_2(recorder, stream, fields));
            servers[name].on('session', session => {
                session.on('error', () => {});
                recorder.sockets.add(session);
                session.on('close', () => recorder.sockets.delete(session));
            });
        }
    }
    for (const [name, server] of Object.entries(servers)) {
        server.on('tlsClientError', () => {});
        server.on('sessionError', () => {});
        recorder.ports[name] = await listen(server);
    }
    const local = net.createServer(s => recorder.serve(s));
    await new Promise(resolve => local.listen(socket, resolve));
    const close = () => { recorder.take(); for (const server of [local, ...Object.values(servers)]) server.close(); };
    return {recorder, socket, ports: recorder.ports, http: recorder.ports.http, https: recorder.ports.https, close};
};
