// What a browser loads: of other codes it hears from servers only.
export { clientErrors as table } from './client-errors.ts';
