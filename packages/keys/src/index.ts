export type {
  KeyAlgorithm,
  KeyEntry,
  KeyStatus,
  KeyStorage,
  RingChange,
  RingState,
} from './storage.ts';
