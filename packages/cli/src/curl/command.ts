import type { Command } from '../command.ts';
import { connectionFlags } from '../connection.ts';
import { Failure } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { transfer } from './transfer.ts';

/** One request, with the flags that curl has for it. */
export const curl: Command = {
  name: 'curl',
  takes: 'URL',
  summary: 'One sealed request, with the usual flags of curl',
  flags: {
    request: { short: 'X', value: 'METHOD', text: 'the method' },
    header: {
      short: 'H',
      value: 'FIELD',
      text: '"Name: value"; "Name:" leaves one out, "Name;" is empty, @FILE has several',
    },
    data: {
      short: 'd',
      value: 'DATA',
      text: 'POST this, or @FILE without its line breaks; several are joined by &',
    },
    'data-raw': { value: 'DATA', text: 'the same, where @ means nothing' },
    'data-ascii': { value: 'DATA', text: 'the same as --data' },
    'data-binary': { value: 'DATA', text: 'the same, @FILE (@- for stdin) as it is' },
    'data-urlencode': { value: 'DATA', text: 'the same, escaped: TEXT, =TEXT, NAME=TEXT, @FILE, NAME@FILE' },
    json: { value: 'DATA', text: 'POST this as application/json, and accept that' },
    form: {
      short: 'F',
      value: 'PART',
      text: 'a part of a form: NAME=TEXT, NAME=@FILE, NAME=<FILE, ;type=, ;filename=',
    },
    'form-string': { value: 'PART', text: 'the same, where @, < and ; mean nothing' },
    get: { short: 'G', text: 'put the data into the query' },
    head: { short: 'I', text: 'HEAD, and show what it answers' },
    'upload-file': { short: 'T', value: 'FILE', text: 'PUT this file, or what comes on stdin (-)' },
    include: { short: 'i', text: 'show the head of the response, too' },
    output: {
      short: 'o',
      value: 'FILE',
      text: 'write the body there, or to stdout (-) even if it is binary',
    },
    'remote-name': { short: 'O', text: 'write it to a file with the name in the URL' },
    verbose: { short: 'v', text: 'show what is sealed (>, <), and what of it is seen outside (*)' },
    silent: { short: 's', text: 'say nothing of errors' },
    'show-error': { short: 'S', text: 'say it all the same' },
    fail: { short: 'f', text: 'write no body of a status from 400, and end with 22' },
    location: { short: 'L', text: 'follow redirects, at the sealed origin only' },
    'max-redirs': { value: 'COUNT', text: 'at most so many; default: 50' },
    user: { short: 'u', value: 'USER:PASSWORD', text: 'authenticate by Basic, inside the seal' },
    'user-agent': { short: 'A', value: 'NAME', text: 'the user-agent' },
    referer: { short: 'e', value: 'URL', text: 'the referer' },
    cookie: { short: 'b', value: 'DATA', text: '"a=b; c=d", or a file of cookies' },
    'cookie-jar': { short: 'c', value: 'FILE', text: 'keep cookies there' },
    compressed: { text: 'accept encodings, and undo them' },
    'max-time': { short: 'm', value: 'SECONDS', text: 'give up after so long' },
    'no-buffer': { short: 'N', text: 'nothing: what arrives is written at once in any case' },
    ...connectionFlags,
  },
  notes: `A URL without a scheme is http. A field that the server does not seal is refused: list it in its option \`fields\`, or
let it travel in clear with --outer-fields.

Exit codes, as of curl: 0 fine, 2 usage or a field that is not listed, 3 URL, 6 no such host, 7 no connection, 18 the
response broke off, 22 --fail, 23 writing failed, 26 reading failed, 28 --max-time, 35 no handshake, 47 too many redirects,
52 nothing was answered, 56 the answer was not sealed, was altered, or did not come, 60 the server is not who the pin, or
the certificate, says, 61 encoding, 65 a stream would have to be sent again, 77 --cacert. 1 is all else.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  try {
    await transfer(flags);
    return 0;
  } catch (error) {
    if (error instanceof Failure && flags.has('silent') && !flags.has('show-error')) return error.exitCode;
    throw error;
  }
}
