// Properties for the tests of packages that do not depend on fast-check.
export { default as fc } from 'fast-check';
