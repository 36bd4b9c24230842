// tasks_outside.js - tasks of who knows curl by heart and this program not at all: what they found to differ.
'use strict';

const task = (name, args, more) => ({name: `outside: ${name}`, args: args.split(' ').filter(a => a !== ''), ...more});
const words = (name, args, more) => ({name: `outside: ${name}`, args, ...more});
const nrc = 'machine 127.0.0.1\nlogin one\npassword p1\nmachine 127.0.0.1 login two password p2\n';

exports.list = [
    // Going on
    task('another part than the rest', '-C - -o part {http}/elsewhere', {files: {part: 'abcdefghijk'}}),
    task('a part of who knows what', '-C - -o part {http}/status/206', {files: {part: 'abcdefghij'}}),

    // A range of what goes up
    task('a part up', '-T f -r 2-5 {http}/echo', {files: {f: 'content\n'}}),
    task('the last of it up', '-T f -r -5 {http}/echo', {files: {f: 'content\n'}}),
    task('a part of data', '-d abc -r 0-1 {http}/echo'),
    task('a part of a form', '-F a=b -r 0-1 {http}/echo'),
    task('a part of a query', '-G -d a=b -r 0-1 {http}/range'),
    words('a part of one\'s own', ['-T', 'f', '-r', '2-5', '-H', 'Content-Range: bytes 1-2/3', '{http}/echo'], {files: {f: 'content\n'}}),
    task('a part of who knows what up', '-T - -r 0-1 {http}/echo', {input: 'abc', differs: {in: ['requests'],
        why: 'RFC 9110, 14.4: a length that is not known is *; curl says -1'}}),

    // What is written
    words('per cent and what is none', ['-w', '%%{http_code} %a %\\n|%{http_code', '-o', 'o', '{http}/']),
    words('backslashes', ['-w', '\\\\t|\\t|\\n|\\r|\\x|\\', '-o', 'o', '{http}/']),
    task('to a file without a name', '{http}/ -o', {files: {}}),
    words('to a file whose name is empty', ['-o', '', '{http}/']),
    task('a version', '{http}/ --version', {differs: {in: ['stdout'], why: 'another program'}}),

    // .netrc and who the URL says
    task('a user of the URL in .netrc', '--netrc-file nrc http://one@127.0.0.1:{h}/auth', {files: {nrc}}),
    task('another one', '--netrc-file nrc http://%74wo@127.0.0.1:{h}/auth', {files: {nrc}}),
    task('a password of the URL', '--netrc-optional --netrc-file nrc http://one:p3@127.0.0.1:{h}/auth', {files: {nrc}}),
    task('a password of the URL, and --netrc', '-n --netrc-file nrc http://one:p3@127.0.0.1:{h}/auth', {files: {nrc}, differs: {in: ['requests'],
        why: 'what stands in the URL was said last; curl takes the file\'s'}}),
    task('a user whom it does not know', '--netrc-file nrc http://three@127.0.0.1:{h}/auth', {files: {nrc}, differs: {in: ['requests'],
        why: 'curl 7.88 takes another user\'s password'}}),

    // Through a proxy
    task('a page', '-x 127.0.0.1:{h} http://example.test/file.txt'),
    task('a page, and who asks', '-x http://u:p@127.0.0.1:{h} -A me -u a:b -e http://x/ --compressed -b c=d -H X-A:b -d e=f http://example.test/echo', {differs: {in: ['requests'],
        why: 'it means the same: RFC 9112, 5'}}),
    words('a page, with a header', ['-x', '127.0.0.1:{h}', '-U', 'u:p', '-b', 'c=d', '-H', 'X-A: b', '-d', 'e=f', 'http://example.test/echo']),
    words('a page, with a header of a proxy', ['-x', '127.0.0.1:{h}', '--proxy-header', 'Proxy-Connection: close', '--proxy-header', 'X-P: 1', 'http://example.test/'], {}),
    words('a tunnel that it does not make', ['-x', '127.0.0.1:{h}', '-w', '%{http_connect}|%{http_code}', 'https://example.test/']),
    words('such a tunnel, with a header', ['-p', '-x', '127.0.0.1:{h}', '-A', 'me', '-H', 'X-A: b', '--proxy-header', 'X-P: 1', 'http://example.test/']),
    task('a tunnel', '-x 127.0.0.1:{p} --cacert {CA} {https}/'),
    words('a tunnel, and its status', ['-x', '127.0.0.1:{p}', '--cacert', '{CA}', '-o', 'out', '-w',
        '%{http_connect} %{http_code} %{size_header} %{num_headers} %{num_connects}\\n', '{https}/']),
    task('a tunnel, with its heads', '-i -x 127.0.0.1:{p} --cacert {CA} {https}/'),
    task('a tunnel to heads', '-I -x 127.0.0.1:{p} --cacert {CA} {https}/file.txt'),
    task('a tunnel, its heads in a file', '-D head -o out -x 127.0.0.1:{p} --cacert {CA} {https}/'),
    task('a tunnel for http', '-i -p -D head -x 127.0.0.1:{p} {http}/'),
    task('a tunnel, its heads hidden', '-i -D head --suppress-connect-headers -x 127.0.0.1:{p} --cacert {CA} {https}/'),
    task('a tunnel for two', '-i -x 127.0.0.1:{p} --cacert {CA} -w %{http_connect} {https}/ {https}/json'),
    task('a tunnel, and a redirect', '-i -L -p -x 127.0.0.1:{p} --cacert {CA} -w %{http_connect} {http}/secure'),
    task('a tunnel, and a redirect in it', '-L -p -x 127.0.0.1:{p} -w %{http_connect} {http}/redirect'),
    task('a tunnel, and HTTP/2', '-i -x 127.0.0.1:{p} --cacert {CA} {two:}/'),
    task('a tunnel, and its certificates', '-o out -x 127.0.0.1:{p} --cacert {CA} -w %{certs} {https}/'),
    task('no tunnel, with its heads', '-i -D head -x 127.0.0.1:{p} https://denied.test/'),
    task('no tunnel, and -f', '-f -o out -x 127.0.0.1:{p} -w %{http_connect}-%{http_code} https://denied.test/'),
    task('no tunnel, its heads hidden', '-i --suppress-connect-headers -x 127.0.0.1:{p} https://denied.test/'),
    task('no heads of a proxy', '--suppress-connect-headers -i -x 127.0.0.1:{h} http://example.test/'),
    words('--resolve of any, for a proxy', ['--resolve', '*:{h}:127.0.0.1', '-x', 'proxy.invalid:{h}', '-o', 'out', '-w', '%{http_code} %{remote_ip}', 'http://any.invalid/']),

    words('a page, without a header of a proxy', ['-x', '127.0.0.1:{h}', '-H', 'Proxy-Connection:', 'http://example.test/']),
    words('a page, with a header of a proxy of one\'s own', ['-x', '127.0.0.1:{h}', '-H', 'Proxy-Connection: close', 'http://example.test/']),

    // Redirects, and which
    task('a file up by another method, and on', '-L -X POST -T f {http}/moved', {files: {f: 'abc'}}),
    task('a file up by another method, found elsewhere', '-L -X PATCH -T f {http}/redirect', {files: {f: 'abc'}}),
    task('a pipe up, and on', '-L -T - {http}/keep', {input: 'abc'}),
    task('a pipe up by another method, and on', '-L -X POST -T - {http}/moved', {input: 'abc'}),
    task('https alone behind a redirect', '-L --proto-redir =https {http}/redirect'),
    task('https alone behind a redirect, in long', '-L --proto-redir -all,https {http}/redirect'),
    task('http behind a redirect', '-L --proto-redir =http,https {http}/redirect'),

    // Failures
    task('chunks that are none', '{http}/no-chunks'),
    task('chunks that end', '{http}/cut-chunks', {}),
    task('the first failure of what waits', '-Z --fail-early --retry 3 --retry-delay 30 -f {http}/status/503 {http}/late/404', {unordered: true}),
    task('a bar that is not to be seen', '-# -o out {http}/'),
];
