// tasks_everyday.js - what people type, from tutorials, answers and other programs' manuals (health checks, installers,
// APIs, downloads); each over HTTP/1.1, over TLS and over HTTP/2. {u}: the server.
'use strict';

const task = (name, args, more) => ({name, args: args.split(' ').filter(a => a !== ''), ...more});
const words = (name, args, more) => ({name, args, ...more});

const everyday = [
    // Health checks, in scripts of installers and images
    task('is it up', '-fsS -m 10 --retry 5 -o /dev/null {u}/'),
    words('its status', ['-s', '-o', '/dev/null', '-w', '%{http_code}\\n', '{u}/status/503']),
    words('its status behind redirects', ['-sL', '-o', '/dev/null', '-w', '%{http_code} %{num_redirects} %{url_effective}\\n', '{u}/redirect']),
    words('its status and the page', ['-s', '-w', '\\n%{http_code}', '{u}/json']),
    words('its status or 000', ['-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:1/']),
    task('until it is up', '-sSf --retry 3 --retry-connrefused --retry-delay 0 {u}/busy'),
    task('a short patience', '--connect-timeout 5 -m .5 {u}/slow'),
    task('an installer', '-fsSL {u}/redirect'),
    task('an installer that is gone', '-fsSL {u}/status/404'),
    task('an installer to a file', '-fsSLo install.sh {u}/redirect'),
    task('an installer of https only', '--proto =https --tlsv1.2 -sSf {u}/file.txt'),
    task('a shape of the request', '-X OPTIONS --request-target * -i {u}/'),
    task('no leftovers', '-f --remove-on-error -o out {u}/status/500', {files: {out: 'old'}}),
    task('headers of all hops', '-sIL {u}/redirect'),
    task('headers, page thrown away', '-sD - -o /dev/null {u}/named'),
    words('a header by grep', ['-sI', '-H', 'Cache-Control: no-cache', '{u}/named']),

    // APIs
    words('GET with a token', ['-s', '-H', 'Accept: application/json', '-H', 'Authorization: Bearer t0k3n', '{u}/auth']),
    words('POST of JSON', ['-sS', '-X', 'POST', '{u}/echo', '-H', 'Content-Type: application/json', '-d', '{"name":"x y","n":[1,2]}']),
    words('POST of a JSON file', ['-X', 'POST', '-H', 'Content-Type: application/json', '--data', '@body.json', '{u}/echo'],
        {files: {'body.json': '{\n  "a": 1\n}\n'}}),
    words('POST of a file as it is', ['--data-binary', '@body.json', '-H', 'Content-Type: application/json', '{u}/echo'], {files: {'body.json': '{\n  "a": 1\n}\n'}}),
    task('POST of a pipe', '-s --data-binary @- {u}/echo', {input: 'line 1\nline 2\n'}),
    words('--json of a file', ['--json', '@body.json', '{u}/echo'], {files: {'body.json': '{\n"a": 1}\n'}}),
    words('--json and PUT', ['-X', 'PUT', '--json', '{"a":1}', '-w', '%{http_code}', '{u}/echo']),
    words('a search', ['-sG', '{u}/echo', '--data-urlencode', 'q=a b&c', '-d', 'page=2']),
    words('a search of its own', ['-s', '{u}/echo?x=1', '--url-query', 'q=a b', '--url-query', 'n@f'], {files: {f: 'from file'}}),
    words('a form', ['-d', 'user=me', '-d', 'pass=a&b', '--data-urlencode', 'note=1 + 1 = 2', '{u}/echo']),
    words('a form with files', ['-F', 'file=@a.txt', '-F', 'doc=@b.pdf;type=application/pdf', '-F', 'note=hi', '{u}/echo'],
        {files: {'a.txt': 'text\n', 'b.pdf': '%PDF'}}),
    task('PUT of a file', '-X PUT -T a.txt {u}/echo', {files: {'a.txt': 'text\n'}}),
    task('PUT of a pipe', '-T - {u}/echo', {input: 'piped'}),
    task('DELETE, and what came', '-i -X DELETE {u}/status/204'),
    words('PATCH', ['-X', 'PATCH', '-d', '[{"op":"add"}]', '-H', 'Content-Type: application/json-patch+json', '{u}/echo']),
    task('OPTIONS', '-i -X OPTIONS {u}/'),
    words('credentials', ['-u', 'user:pass:word', '{u}/auth']),
    task('no password', '-u user: {u}/auth'),
    words('credentials in the URL', ['{cred}/auth']),
    words('a body that fails', ['-sS', '--fail-with-body', '-d', '{}', '{u}/status/422']),

    // Downloads
    task('by its name', '-LO {u}/file.txt'),
    task('by its name, quietly, elsewhere', '-sS --create-dirs --output-dir a/b -O {u}/file.txt'),
    task('by the name that it gives', '-sLOJ {u}/named'),
    task('by a name with a path', '-OJ {u}/slashes'),
    task('to a directory that is absent', '-o no/such/file {u}/file.txt'),
    task('to a directory', '-o d {u}/file.txt', {files: {'d/x': 'x'}}),
    task('to a directory that is made', '--create-dirs -o no/such/file {u}/file.txt'),
    task('a bar', '-# -o out {u}/huge'),
    task('a part', '-r 0-9 {u}/range'),
    task('two parts', '-r 0-9,20-29 {u}/range -o out'),
    task('going on', '-C - -O {u}/range', {files: {range: 'abcdefghijklmnopqrst'}}),
    task('going on, with retries', '-fL -C - --retry 2 -o part {u}/range', {files: {part: 'abc'}}),
    task('if newer', '-z old -o out {u}/cond', {files: {old: ''}}),
    task('if newer than nothing', '-z missing -o out {u}/cond'),
    task('with its time', '-RO {u}/dir/file.bin'),
    task('a gallery', '-s {u}/n/[1-3]{a,b} -o #1_#2.txt'),
    task('a gallery by name', '-sO {u}/n/[01-03].txt'),
    task('a gallery at once', '-sZ --parallel-max 3 {u}/n/[1-6] -o f#1', {unordered: true}),
    task('some of which are gone', '-sf -o a {u}/file.txt -o b {u}/status/404 -o c {u}/json'),
    task('the last of which is gone', '-sf -o a {u}/file.txt -o b {u}/status/404'),
    task('until one is gone', '-sf --fail-early -o a {u}/status/404 -o b {u}/json'),
    task('compressed', '-sS --compressed -o out {u}/zipped'),
    task('compressed, unasked', '-sS -o out {u}/zipped'),
    task('no larger than', '-sS --max-filesize 1k -o out {u}/huge'),
    task('a URL that lists', '-sS -K urls', {files: {urls: 'url = {u}/file.txt\noutput = a\nurl = {u}/json\noutput = b\n'}}),

    // Logins
    task('a login', '-c jar -d user=me {u}/set -o out'),
    task('a login, and on', '-L -b jar -c jar {u}/jar', {files: {jar: ''}}),
    task('a session', '-b session=abc;theme=dark {u}/echo'),
    task('a jar of many', '-s -b none -c - {u}/attributes -o out'),
    task('a jar, then a page', '-s -c jar {u}/attributes {u}/dir/file.bin -o 1 -o 2'),
    task('two operations', '-s -c jar {u}/set -o 1 --next -s -b jar -d a=b {u}/echo -o 2'),

    // Looking
    task('head and page', '-i {u}/redirect'),
    task('head and page, followed', '-iL {u}/redirect'),
    task('an early hint', '-i {u}/hinted'),
    task('head to a file', '-D head {u}/hinted -o out'),
    task('as a browser', '-A Mozilla/5.0 -e {u}/from --compressed {u}/echo'),
    words('as copied from a browser', ['{u}/echo', '-H', 'authority: example.com', '-H', 'accept: */*', '-H', 'cookie: a=1; b=2', '--data-raw',
        '$a=@b&c', '--compressed', '--insecure']),
    task('--head of what is gone', '-fI {u}/status/404'),
    task('-k', '-k {u}/'),
    task('a name of one\'s own', '--resolve www.example.test:{port}:127.0.0.1 -k {named}/file.txt'),
    words('another Host', ['-H', 'Host: www.example.test', '{u}/file.txt']),
    task('through a proxy that is not there', '-x http://127.0.0.1:1 {u}/'),
    task('not through a proxy', '{u}/', {env: {http_proxy: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1', no_proxy: 'example.com,127.0.0.1,localhost'}}),
    task('not through any proxy', '{u}/', {env: {all_proxy: 'http://127.0.0.1:1', NO_PROXY: '*'}}),
    task('through a proxy of the environment', '{u}/', {env: {ALL_PROXY: 'http://127.0.0.1:1'}}),
];

const forms = [
    ['http', '{http}', '{h}', []],
    ['https', '{https}', '{s}', []],
    ['HTTP/2', '{two:}', '{two:port}', []],
];

const fill = (text, [, url, port]) => text.replace(/\{(u|port|named|cred)\}/g, (_, what) => ({
    u: url, port, cred: url === '{http}' ? 'http://me:p%20w@127.0.0.1:{h}' : `https://me:p%20w@localhost:${port}`,
    named: `http${url === '{http}' ? '' : 's'}://www.example.test:${port}`})[what]);

exports.list = forms.flatMap(form => everyday.map(t => ({...t, name: `${form[0]}: ${t.name}`,
    args: t.args.map(a => fill(a, form)),
    files: t.files && Object.fromEntries(Object.entries(t.files).map(([name, text]) => [name, fill(text, form)])),
    env: {CURL_CA_BUNDLE: '{CA}', ...t.env}})));
