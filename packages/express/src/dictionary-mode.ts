import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Express gives every request and response another prototype. Up to Node 23, V8 then makes a new hidden class for each
 * property that is added to such an object, and no code that touches it afterwards is ever warm.
 */
const slowToAdd = Number.parseInt(process.versions.node, 10) < 24;

/**
 * Turns both into dictionaries, before sealwire, parsers and routes add properties to them: about a third of a sealed
 * request's time on those versions.
 */
export function expectProperties(req: IncomingMessage, res: ServerResponse): void {
  if (!slowToAdd) return;
  // Any property but the last one would do. V8 gives up the hidden class of an object that loses one.
  replaceProperty(req, '_dumped');
  replaceProperty(res, '_sent100');
}

function replaceProperty(object: object, name: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  if (descriptor === undefined) return;
  delete (object as Record<string, unknown>)[name];
  (object as Record<string, unknown>)[name] = descriptor.value;
}
