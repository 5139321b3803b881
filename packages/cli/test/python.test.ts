// Programs in other languages talk to a sealed server through the gateway.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { releaseAll } from '../../../test/support/resources.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { app } from './support/app.ts';
import { run, startProxyCommand } from './support/programs.ts';

test.after.each(releaseAll);

const program = `
import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1])
def ask(method, path, **more):
    connection.request(method, path, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()
assert json.loads(ask('GET', '/echo?a=b')[1])['url'] == '/echo?a=b'
status, body = ask('POST', '/echo', body=b'text', headers={'Content-Type': 'text/plain'})
assert json.loads(body)['body'] == 'text'
pieces = (b'x' * 100000 for _ in range(5))
status, body = ask('PUT', '/echo', body=pieces, encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
assert len(json.loads(body)['body']) == 500000
assert ask('HEAD', '/echo') == (200, b'')
assert ask('GET', '/status/404') == (404, b'a body')
assert len(ask('GET', '/binary')[1]) == 300000
try:
    ask('GET', '/breaks')
    sys.exit('a short body')
except (http.client.IncompleteRead, ConnectionResetError):
    print('works')
`;

needing('python3', test)(
  "Python's http.client gets whole answers, and an error for one that is not",
  async () => {
    const { origin } = await startSealedNode(app);
    const { address } = await startProxyCommand([origin]);
    const { code, stdout, stderr } = await run('python3', ['-c', program, new URL(address).host]);
    assert.equal([code, String(stdout)], [0, 'works\n'], stderr);
  },
);

test.run();
