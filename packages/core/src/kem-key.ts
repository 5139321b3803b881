import type { Key } from 'hpke';

/**
 * A KEM key as `hpke` takes it, with what the KEM keeps in a private field: neither `util.inspect` nor JSON
 * shows it. The KEM that made a key is the only one that unlocks it.
 */
export class KemKey<Material> implements Key {
  readonly algorithm: { name: string };
  readonly type: 'private' | 'public';
  readonly extractable: boolean;
  readonly #material: Material;

  constructor(name: string, type: 'private' | 'public', extractable: boolean, material: Material) {
    this.algorithm = { name };
    this.type = type;
    this.extractable = extractable;
    this.#material = material;
  }

  /** What is behind a key of the named KEM. @throws TypeError for a key of another KEM or type */
  static unlock<Material>(key: Key, name: string, type: 'private' | 'public'): Material {
    if (key instanceof KemKey && key.algorithm.name === name && key.type === type) {
      return key.#material as Material;
    }
    throw new TypeError(`not a ${type} key of ${name}`);
  }
}
