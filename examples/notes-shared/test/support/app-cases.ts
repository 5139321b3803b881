// The app through a sealed fetch, over real sockets, with everything that the path sees kept.
import { randomBytes } from 'node:crypto';
import { generateSigner, problemType } from '@sealwire/core';
import * as assert from 'uvu/assert';
import { it, within } from '../../../../test/support/cases.ts';
import { failure } from '../../../../test/support/problems.ts';
import { limits } from '../../notes.mjs';
import { type ListenerOf, startNotes as start } from './notes-server.ts';

const secret = 'gooseberry-4711';

/** An upload as a browser's form sends it. */
const file = (bytes: BlobPart, name: string, type: string) => new File([bytes], name, { type });

/** What every app of notes does. */
export function testApp(listenerOf: ListenerOf): void {
  const startNotes = () => start(listenerOf);

  it('notes are created, listed with the newest first, and deleted', async () => {
    const { sealedFetch, newApi } = await startNotes();
    const api = newApi();
    const [first] = await api.list();
    const created = await sealedFetch('/notes', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: ` ${secret}\n` }),
    });
    assert.is(created.status, 201);
    const note = await created.json();
    assert.is(created.headers.get('location'), `/notes/${note.id}`);
    assert.is(note.text, secret);
    assert.equal(note.files, []);
    assert.equal(await api.list(), [note, first]);
    await api.remove(note.id);
    assert.equal(await api.list(), [first]);
  });

  it('a file comes back byte for byte, under the name it had', async () => {
    const api = (await startNotes()).newApi();
    const { id } = await api.create('with a file');
    const bytes = new Uint8Array(randomBytes(65_537));
    const names = ['plain.bin', '<img src=x onerror=alert(1)> & ünï 🔒.txt', "it's 100%.csv"];
    for (const name of names) {
      const attached = await api.attach(id, file(bytes, name, 'application/x-test'));
      assert.is(attached.name, name);
      assert.is(attached.size, bytes.length);
      const blob = await api.download(id, attached.id);
      assert.is(blob.type, 'application/x-test');
      assert.equal(new Uint8Array(await blob.arrayBuffer()), bytes);
    }
  });

  it('a file is never a page of this origin, whatever type its sender gave it', async () => {
    const { newApi, sealedFetch } = await startNotes();
    const api = newApi();
    const { id } = await api.create('with a page');
    const attached = await api.attach(id, file('<script>alert(1)</script>', 'page.html', 'text/html'));
    const response = await sealedFetch(`/notes/${id}/files/${attached.id}`);
    assert.match(response.headers.get('content-disposition') as string, /^attachment;/);
    // A policy for the browser, which acts on what travels outside.
    assert.is(response.sealed.outer.get('x-content-type-options'), 'nosniff');
    await response.body?.cancel();
  });

  it('a note for one client is there for no other, and none of them hears of it', async () => {
    const { newApi } = await startNotes();
    const [own, other, nameless] = [newApi(await generateSigner()), newApi(await generateSigner()), newApi()];
    const leaving = new AbortController();
    const feed = await other.changes(leaving.signal);
    const note = await own.create(secret, true);
    assert.is(note.bound, true);
    const attached = await own.attach(note.id, file('month,amount', 'budget.csv', 'text/csv'));
    assert.equal((await own.list())[0], { ...note, files: [attached] });
    const denied = async (promise: Promise<unknown>) => ((await failure(promise)) as Error).message;
    for (const api of [other, nameless]) {
      assert.is((await api.list()).length, 1);
      assert.is(await denied(api.remove(note.id)), 'There is no such note.');
      assert.is(await denied(api.download(note.id, attached.id)), 'There is no such note.');
      assert.is(
        await denied(api.attach(note.id, file('x', 'x.txt', 'text/plain'))),
        'There is no such note.',
      );
    }
    assert.match(await denied(nameless.create(secret, true)), 'Only a client with a key');
    // The first thing that the other one hears of.
    const { id } = await own.create('for all');
    assert.is((await within(feed.next(), 'a change')).value?.note.id, id);
    leaving.abort();
  });

  it('what the app cannot do it says in words', async () => {
    const { newApi, sealedFetch } = await startNotes();
    const api = newApi();
    const message = async (promise: Promise<unknown>) => ((await failure(promise)) as Error).message;
    const { id } = await api.create('here');
    const tooLarge = file(new Uint8Array(limits.fileBytes + 1), 'large.bin', 'application/octet-stream');
    assert.is(await message(api.attach(id, tooLarge)), 'A file has at most 32 MB.');
    assert.is(await message(api.create('  \n ')), 'A note needs a text.');
    assert.is(await message(api.create('x'.repeat(2001))), 'A note has at most 2000 characters.');
    assert.is(await message(api.remove('99')), 'There is no such note.');
    assert.is(await message(api.download(id, '99')), 'There is no such file.');
    const nowhere = await sealedFetch('/nowhere');
    assert.is(nowhere.status, 404);
    assert.equal(await nowhere.json(), { error: 'There is nothing here.' });
    const garbled = await sealedFetch('/notes', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    assert.is(garbled.status, 400);
    await garbled.text();
  });

  it('notes and files are as many as there is room for', async () => {
    const api = (await startNotes()).newApi();
    const { id } = await api.create('with files');
    for (let i = 0; i < limits.filesPerNote; i++) await api.attach(id, file('x', `${i}.txt`, 'text/plain'));
    const oneMore = await failure(api.attach(id, file('x', 'more.txt', 'text/plain')));
    assert.is((oneMore as Error).message, 'A note has at most 4 files.');
    for (let count = (await api.list()).length; count < limits.notes; count++) await api.create('note');
    const tooMany = await failure(api.create('one more'));
    assert.is((tooMany as Error).message, 'There are 100 notes: delete one first.');
  });

  it('the feed tells each change before the next one happens, to everyone', async () => {
    const { newApi } = await startNotes();
    const [api, other] = [newApi(), newApi()];
    const leaving = new AbortController();
    const feeds = [await api.changes(leaving.signal), await other.changes(leaving.signal)];
    const both = (what: string) => Promise.all(feeds.map((feed) => within(feed.next(), what)));

    const note = await api.create(secret);
    for (const { value } of await both('created')) assert.equal(value, { type: 'created', note });
    const attached = await other.attach(note.id, file('month,amount', 'budget.csv', 'text/csv'));
    for (const { value } of await both('changed'))
      assert.equal(value, { type: 'changed', note: { ...note, files: [attached] } });
    await other.remove(note.id);
    for (const { value } of await both('deleted')) {
      assert.is(value?.type, 'deleted');
      assert.is(value?.note.id, note.id);
    }
    leaving.abort();
  });

  it('the wire carries no text, no file, no name and no event', async () => {
    const { newApi, wire } = await startNotes();
    const api = newApi();
    const leaving = new AbortController();
    const feed = await api.changes(leaving.signal);
    const { id } = await api.create(secret);
    await feed.next();
    const attached = await api.attach(id, file(`${secret} in a file`, `${secret}.txt`, 'text/x-gooseberry'));
    await feed.next();
    assert.is(await (await api.download(id, attached.id)).text(), `${secret} in a file`);
    await api.list();
    leaving.abort();

    // The address is what everybody may see.
    assert.match(wire(), `GET /notes/${id}/files/${attached.id} HTTP/1.1`);
    assert.match(wire(), 'application/vnd.sealwire');
    const inside = ['gooseberry', '"text"', 'event:', 'multipart', 'event-stream', 'application/json'];
    assert.equal(
      inside.filter((text) => wire().includes(text)),
      [],
    );
  });

  it('plaintext reaches no route of the notes', async () => {
    const { origin, newApi } = await startNotes();
    const plain: [method: string, path: string][] = [
      ['GET', '/notes'],
      ['POST', '/notes'],
      ['DELETE', '/notes/1'],
      ['POST', '/notes/1/files'],
      ['GET', '/feed'],
    ];
    for (const [method, path] of plain) {
      const headers = { 'content-type': 'application/json' };
      const body = method === 'POST' ? { headers, body: '{"text":"plain"}' } : {};
      const response = await fetch(origin + path, { method, ...body });
      assert.is(response.status, 400);
      assert.is(response.headers.get('content-type'), problemType);
      const problem = (await response.json()) as { code: string; title: string };
      assert.is(problem.code, 'sealed-required');
      assert.match(problem.title, '@sealwire/client');
    }
    assert.is((await newApi().list()).length, 1);
  });
}
