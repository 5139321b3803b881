// For the tests of packages that do not depend on it.
export { Ajv } from 'ajv';
