import { SealwireError, type SigningKey } from '@sealwire/core';

// Keys in IndexedDB: what is cloned into it is the key object, whose secret no script ever sees.

const databaseName = 'sealwire';
const storeName = 'client-keys';

/**
 * The key that is kept under a name, or, if there is none, a new one that is kept from now on. Of several that ask at
 * once, in other tabs too, one makes it for all.
 * @throws SealwireError `client-key-unavailable`
 */
export async function storedKey(name: string, generate: () => Promise<SigningKey>): Promise<SigningKey> {
  try {
    const database = await openDatabase();
    try {
      return (await read(database, name)) ?? (await keep(database, name, await generate()));
    } finally {
      database.close();
    }
  } catch (cause) {
    throw new SealwireError('client-key-unavailable', 'IndexedDB does not keep it here.', { cause });
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(databaseName, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
  return outcome(opening);
}

function read(database: IDBDatabase, name: string): Promise<SigningKey | undefined> {
  return outcome(database.transaction(storeName).objectStore(storeName).get(name));
}

/** Keeps a key unless there is one by now; returns the one that is kept. */
async function keep(database: IDBDatabase, name: string, key: SigningKey): Promise<SigningKey> {
  const transaction = database.transaction(storeName, 'readwrite', { durability: 'strict' });
  const kept = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  const store = transaction.objectStore(storeName);
  // No other transaction of this store runs meanwhile.
  const getting = store.get(name);
  getting.onsuccess = () => {
    if (getting.result === undefined) store.add(key, name);
  };
  await kept;
  return (getting.result as SigningKey | undefined) ?? key;
}

function outcome<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
