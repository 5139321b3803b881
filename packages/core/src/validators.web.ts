import { fits } from './fits.ts';
import type { Validator } from './json.ts';
import * as schemas from './schemas.ts';

// What a browser's client judges messages by: ajv's compiled code (validators.js) says the same in six times the bytes.

export const jws: Validator = (value) => fits(schemas.jws, value);
export const configuration: Validator = (value) => fits(schemas.configuration, value);
export const handshakeRequest: Validator = (value) => fits(schemas.handshakeRequest, value);
export const hello: Validator = (value) => fits(schemas.hello, value);
export const handshakeReply: Validator = (value) => fits(schemas.handshakeReply, value);
export const welcome: Validator = (value) => fits(schemas.welcome, value);
