// tasks_manual.js - more of curl's manual page, of Everything curl, and of what is asked about them.
'use strict';

const task = (name, args, more) => ({name: `manual: ${name}`, args: args.split(' ').filter(a => a !== ''), ...more});
const words = (name, args, more) => ({name: `manual: ${name}`, args, ...more});

exports.list = [
    // Bodies that come when they come, and standard input that is a file
    task('a FIFO up', '-T f {http}/echo', {fifos: {f: 'x'.repeat(70000)}}),
    task('an empty FIFO up', '-T f {http}/echo', {fifos: {f: ''}}),
    task('a FIFO\'s data', '--data-binary @f {http}/echo', {fifos: {f: 'a\nb'}}),
    task('a FIFO as a part', '-F a=b -F f=@f -F c=d {http}/echo', {fifos: {f: 'from a fifo\0'.repeat(9000)}}),
    task('a FIFO as a part in base64', '-F a=b -F f=@f;encoder=base64 -F c=d {http}/echo', {fifos: {f: '\xe9\0=\r\n'.repeat(60)}}),
    task('a FIFO as a part, quoted', '-F f=@f;encoder=quoted-printable {http}/echo', {fifos: {f: '\xe9\0=\r\n'.repeat(6000)}}),
    task('an empty FIFO in base64', '-F f=@f;encoder=base64 {http}/echo', {fifos: {f: ''}}),
    task('a FIFO that is not of seven bits', '-F f=@f;encoder=7bit {http}/echo', {fifos: {f: '\xe9'}}),
    task('a FIFO as a text', '-F f=<f {http}/echo', {fifos: {f: 'text'}}),
    task('a part of a file as standard input', '-F f=@- {http}/echo', {from: 'x', files: {x: 'content'}}),
    task('standard input up, of a file', '-T - {http}/echo', {from: 'x', files: {x: 'content'}}),

    // Headers taken away, empty, and given where curl has its own
    words('no Host', ['-H', 'Host:', '{http}/'], {differs: {in: ['requests', 'exit', 'stdout'], why: 'RFC 9112, 3.2: every request has one'}}),
    words('a header with blanks only', ['-H', 'X-A:   ', '{http}/']),
    words('a header with blanks around', ['-H', 'X-A:   b  c  ', '{http}/'], {differs: {in: ['requests'], why: 'it means the same: RFC 9112, 5'}}),
    words('a header of two lines', ['-H', 'X-A: b\r\n c', '{http}/'], {
        differs: {in: ['requests', 'exit', 'stdout'], why: 'RFC 9112, 5.2: no sender may fold lines'}}),
    words('a header without a colon', ['-H', 'nothing', '{http}/'], {
        differs: {in: ['requests', 'exit', 'stdout'], why: 'it is an error, 2; curl sends nothing of it, and says nothing'}}),
    words('another length', ['-H', 'Content-Length: 2', '-d', 'ab', '{http}/echo']),
    words('Authorization of one\'s own, and -u', ['-H', 'Authorization: Token x', '-u', 'a:b', '{http}/auth']),
    words('Cookie of one\'s own, and -b', ['-H', 'Cookie: a=1', '-b', 'b=2', '{http}/']),
    words('Referer of one\'s own, and -e', ['-H', 'Referer: http://a/', '-e', 'http://b/', '{http}/']),
    words('no referer', ['-e', '', '{http}/']),
    task('a referer, and ;auto', '-L -e http://first/;auto {http}/redirect'),
    words('Content-Type twice', ['-H', 'Content-Type: a/b', '-H', 'Content-Type: c/d', '-d', 'x', '{http}/echo']),
    words('chunked by a header', ['-H', 'Transfer-Encoding: chunked', '-d', 'abc', '{http}/echo']),
    words('chunked up by a header', ['-H', 'Transfer-Encoding: chunked', '-T', 'x', '{http}/echo'], {files: {x: 'abc'}}),
    words('headers from standard input', ['-H', '@-', '{http}/'], {input: 'X-A: 1\r\nX-B: 2\n'}),
    words('headers from no file', ['-H', '@missing', '{http}/'], {
        differs: {in: ['requests', 'exit', 'stdout'], why: 'a file that is not there is an error, 26; curl warns'}}),

    // Data
    task('-G with standard input', '-G -d @- {http}/echo', {input: 'a=b\n'}),
    task('-G and -I', '-G -I -d a=b {http}/file.txt'),
    task('-G and a fragment', '-G -d a=b {http}/file.txt#there'),
    task('-I and -X', '-I -X GET {http}/file.txt'),
    task('--json of standard input', '--json @- {http}/echo', {input: '{"a":\n1}\n'}),
    words('encoded from standard input', ['--data-urlencode', 'n@-', '{http}/echo'], {input: 'a b&\n'}),
    words('encoded of all kinds', ['--data-urlencode', 'a', '--data-urlencode', '=b=', '--data-urlencode', 'c=~-._!*', '{http}/echo']),
    words('--url-query of all kinds', ['--url-query', 'a b', '--url-query', '=c d', '--url-query', '@f', '--url-query', '+e=%', '{http}/?x'], {files: {f: 'g h'}}),
    words('--url-query and -G', ['--url-query', 'a=1', '-G', '-d', 'b=2', '{http}/'], {
        differs: {in: ['requests'], why: 'curl 7.88 loses the first'}}),
    words('--url-query and -d', ['--url-query', 'a=1', '-d', 'b=2', '{http}/echo']),
    words('-X of nothing', ['-X', '', '{http}/'], {differs: {in: ['requests', 'exit', 'stdout'], why: 'that is no method'}}),
    task('-X and a redirect', '-L -X POST -d a=b {http}/moved'),
    task('-X PUT and a redirect', '-L -X PUT -d a=b {http}/redirect'),
    task('-X and a redirect without a body', '-L -X DELETE {http}/moved'),
    task('-X and a redirect that keeps POST', '-L -X PATCH -d a=b --post301 {http}/moved'),

    // Files
    task('-o with two globs', '-o #2_#1_#3.txt {http}/{a,b}/n/[1-2]'),
    task('-o of a brace and a step', '-o f[#1] {http}/n/[1-9:4]'),
    task('-o too many', '-o a -o b {http}/file.txt'),
    task('-O of a glob', '-O {http}/n/{a,b}.txt'),
    task('--remote-name-all with one -o', '--remote-name-all -o a {http}/file.txt {http}/dir/file.bin'),
    task('--remote-name-all with -o -', '--remote-name-all {http}/file.txt -o - {http}/json'),
    task('-o with --output-dir', '--output-dir d -o a/b --create-dirs {http}/file.txt'),
    task('--output-dir and -D', '--output-dir d --create-dirs -D head -O {http}/file.txt'),
    task('HEAD by its name', '-I -O {http}/file.txt'),
    task('-i to a file', '-i -o out {http}/redirect -L'),
    task('204 over a file', '-o out {http}/nothing', {files: {out: 'old'}}),
    task('404 over a file', '-f -o out {http}/status/404', {files: {out: 'old'}}),
    task('-J to a directory', '-OJ --output-dir d --create-dirs {http}/named'),
    task('-J and -i', '-OJi {http}/named', {differs: {in: ['requests', 'exit', 'files'], why: 'curl 7.88 can\'t, later ones can'}}),
    task('-J and -C', '-OJ -C - {http}/named', {differs: {in: ['requests', 'exit', 'files'], why: 'likewise'}}),
    task('-J and -D', '-OJ -D head {http}/named'),
    task('-C and -r', '-C 5 -r 1-2 {http}/range -o out', {files: {out: 'abcde'},
        differs: {in: ['requests', 'exit', 'files'], why: 'they contradict each other; curl forgets the latter'}}),
    task('-C up', '-C 3 -T f {http}/echo', {files: {f: 'abcdef'}}),
    words('a part of nonsense', ['-r', 'x-y', '{http}/range']),

    // What is written
    words('-w of a header twice', ['-w', '%header{set-cookie}\\n%header{SERVER}\\n', '-o', 'out', '{http}/set']),
    words('-w from standard input', ['-w', '@-', '-o', 'out', '{http}/'], {input: '%{http_code}\\n'}),
    words('-w of a name that is open', ['-w', '%{http_code', '{http}/']),
    words('-w of what failed', ['-w', '%{http_code} %{exitcode} %{num_connects} %{remote_ip} %{remote_port} %{local_ip} %{local_port}\\n', 'http://127.0.0.1:1/'], {
        differs: {in: ['stdout'], why: 'who refused is told, too'}}),
    words('-w of ends', ['-w', '%{local_ip} %{remote_ip} %{remote_port} %{num_connects}\\n', '-o', 'o', '-o', 'o', '{http}/', '{http}/json']),
    words('-w of TLS', ['-k', '-w', '%{ssl_verify_result} %{scheme} %{http_version} %{proxy_ssl_verify_result}\\n', '-o', 'o', '{https}/'], {
        differs: {in: ['stdout'], why: 'what was not looked at did not fail'}}),
    words('%{onerror} behind', ['-w', '%{http_code}%{onerror}bad\\n', '{http}/status/500']),
    words('--stderr of a warning', ['--stderr', 'err', '-w', '%{stderr}x', '{http}/'], {
        differs: {in: ['files'], why: '%{stderr} goes where --stderr says'}}),

    // Several
    task('--next resets', '-A first -d a=b {http}/echo --next {http}/'),
    task('--next of nothing', '{http}/ --next', {differs: {in: ['requests', 'stdout'], why: 'nothing is done of a command line that is wrong'}}),
    task('--next first', '--next {http}/'),
    task('--fail-early and the second', '--fail-early -f {http}/ {http}/status/404 {http}/json'),
    task('somebody, and nobody', '{http}/ http://127.0.0.1:1/'),
    task('-Z and a failure', '-Z -f {http}/status/404 {http}/status/404 -o 1 -o 2', {unordered: true}),
    task('--retry-all-errors', '--retry 2 --retry-all-errors --retry-delay 0 -f {http}/status/404'),
    task('--retry and -i', '--retry 3 -i {http}/busy'),
    task('--retry of an upload', '--retry 3 -T f {http}/busy', {files: {f: 'abc'}}),

    // Where to
    task('--resolve to several', '--resolve example.test:{h}:127.0.0.9,127.0.0.1 http://example.test:{h}/'),
    task('--resolve of any', '--resolve *:{h}:127.0.0.1 http://any.example.test:{h}/'),
    task('--resolve taken back', '--resolve localhost:{h}:127.0.0.9 --resolve -localhost:{h} http://localhost:{h}/'),
    task('--resolve that may time out', '--resolve +example.test:{h}:127.0.0.1 http://example.test:{h}/'),
    task('--resolve of nonsense', '--resolve nonsense {http}/'),
    task('--connect-to of nonsense', '--connect-to nonsense {http}/', {
        differs: {in: ['requests', 'exit', 'stdout'], why: 'it is an error; curl goes where it should not'}}),
    task('--interface of nobody', '--interface 203.0.113.9 {http}/'),
    task('IPv6 of an IPv4 address', '-6 {http}/'),
    task('a zone', 'http://[::1%25lo]:1/', {differs: {in: ['exit'], why: 'zones of addresses are not known'}}),
    words('a tab in a URL', ['{http}/a\tb']),
    words('UTF-8 in a URL', ['{http}/\u00e4'], {differs: {in: ['requests'], why: 'percent-encoding in capitals, as RFC 3986 has it'}}),
    words('a backslash in a URL', ['{http}/a\\b']),
    task('three slashes', 'http:///127.0.0.1:{h}/', {differs: {in: ['requests', 'exit', 'stdout'], why: 'RFC 9110, 4.2.1: that is no host'}}),
    task('one slash', 'http:/127.0.0.1:{h}/', {differs: {in: ['requests', 'exit', 'stdout'], why: 'likewise'}}),
    task('a number as an address', 'http://2130706433:{h}/', {
        differs: {in: ['requests', 'exit', 'stdout'], why: 'an address in disguise is none: rules for addresses could be passed by so'}}),
    task('an address of hexadecimals', 'http://0x7f.1:{h}/', {differs: {in: ['requests', 'exit', 'stdout'], why: 'likewise'}}),
    words('-u with blanks', ['-u', 'a b:c d', '{http}/auth']),

    // Cookies and redirects
    task('cookies across redirects', '-L -b x=1 -c jar {http}/jar', {}),
    task('cookies to another host', '-L -b x=1 {http}/secure -k', {differs: {in: ['requests'], why: 'what -b says is for the first host'}}),
    task('-b of a file that is not there', '-b missing {http}/'),
    task('-b twice', '-b a=1 -b b=2 {http}/', {differs: {in: ['requests'], why: 'RFC 6265, 4.2.1: with a blank'}}),
    task('-b of text and a jar', '-b jar -b a=1 {http}/', {files: {jar: '127.0.0.1\tFALSE\t/\tFALSE\t0\tj\t1\n'}}),
    words('-b of nothing', ['-b', '', '-c', 'jar', '{http}/set', '-o', 'o']),
    task('a jar in another directory', '-c no/such/jar {http}/set -o out'),
    task('--max-redirs 0', '-L --max-redirs 0 {http}/redirect'),
    task('following with --location-trusted', '--location-trusted -u a:b -k {http}/secure'),
    task('following without', '-L -u a:b -k {http}/secure'),
    task('-D of two URLs', '-D head {http}/ {http}/json -o 1 -o 2'),
    task('-z of a file up', '-z x -T x {http}/echo', {files: {x: 'abc'}}),
    words('-z of nonsense', ['-z', 'nonsense', '{http}/cond', '-o', 'out']),

    // Configurations
    words('-K with quotes and escapes', ['-K', 'conf'], {files: {conf: 'url="{http}/echo"\ndata = "a\\tb\\nc\\"d\\\\e\\q"\nuser-agent : "x y"\nreferer=http://r/\n\n   # comment\n-H X-A:1\n'},
        differs: {in: ['requests'], why: 'it means the same: RFC 9112, 5'}}),
    words('-K with what stands behind a value', ['-K', 'conf'], {files: {conf: 'url = {http}/ junk\n'}}),
    words('-K with an unknown option', ['-K', 'conf', '{http}/'], {files: {conf: 'no-such-thing\n'},
        differs: {in: ['requests', 'exit', 'stdout'], why: 'it is an error; curl warns'}}),
    words('-K with next', ['-K', 'conf'], {files: {conf: 'url={http}/file.txt\noutput=a\nnext\nurl={http}/json\noutput=b\n'}}),
    words('-K with CRLF', ['-K', 'conf'], {files: {conf: 'url={http}/\r\ndata=a\r\n'}}),
    words('-K in -K', ['-K', 'conf'], {files: {conf: 'config=other\nurl={http}/\n', other: 'user-agent=deep\n'}}),
    words('-K of an open quote', ['-K', 'conf'], {files: {conf: 'url={http}/\nuser-agent="open\n'},
        differs: {in: ['requests'], why: 'a value ends with its line'}}),
    words('-K of an empty value', ['-K', 'conf'], {files: {conf: 'url={http}/\nuser-agent=""\n'}}),
    task('-o without a name', '-o {http}/'),
    task('an escaped glob', '{http}/n/\\[1-2\\]'),
    task('an empty glob', '{http}/n/{}'),
    task('brackets with nothing in them', '{http}/?ids[]=1&ids[]=[2-3]'),
    task('an escaped comma', '{http}/n/{a\\,b,c\\d}'),
    task('a glob in the host', 'http://{127.0.0.1,localhost}:{h}/'),
    task('nested braces', '{http}/n/{a,{b,c}}'),
];
