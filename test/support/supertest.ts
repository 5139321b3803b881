// For the tests of packages, which do not depend on supertest themselves.
export { default as request } from 'supertest';
