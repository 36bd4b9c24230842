// newer.js - `ringport get` has the ways of curl 7.88, Debian 12's; Debian 13's, 8.14, does some things otherwise.
'use strict';

// In all tasks: it waits for no 100 before a small body, has longer boundaries, and keeps no cookie beyond 400 days.
exports.normal = text => text.replace(/^Expect: 100-continue\r\n/gm, '')
    .replace(/^(content-length): \d+(?=\r\ncontent-type: multipart)/gim, '$1: N')
    .replace(/\t[1-9]\d{8,}\t/g, '\tLATER\t');

// What differs of a task, where that is not what the task says.
const all = ['requests', 'exit', 'stdout'];
exports.differs = {
    'several variables': ['stdout'], // %{scheme} in small letters
    'TLS: verification in -w': ['stdout'],
    'to no name': ['requests', 'exit', 'files'], // to "curl_response"
    'no form': [], // a file that is not there is an error
    'manual: headers from no file': [],
    'manual: headers from standard input': ['requests'], // each with a CR too many
    'a part of a bad type': all, // "text" is one
    'a file up where it is not expected': ['requests'], // as it expects nothing
    'a file up where it is too much': ['requests'],
    'an abbreviation': all, // there are none
    'http: a short patience': ['requests', 'exit'], // .5 is no number
    'https: a short patience': ['requests', 'exit'],
    'HTTP/2: a short patience': ['requests', 'exit'],
    'manual: -X of nothing': [], // refused
    'manual: -J and -i': [], // allowed
    'manual: -C and -r': [], // refused
    'manual: --stderr of a warning': [], // none of its own
    'manual: --next first': all, // refused
    'manual: -K with an unknown option': ['exit'], // 26
    'manual: -K of an open quote': [],
    'more: data that are not there': [], // as above
    'more: binary data that are not there': [],
    'more: encoded data that are not there': [],
    'more: a format that is not there': [],
    'more: max-filesize of what is not announced': ['files'], // a limit, too; what fits is written
    'more: netrc in HOME': all, // a file that is not there is an error
    'more: netrc that is not there': all,
};
