import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const api = 'http://localhost:3000';

export default defineConfig({
  plugins: [react()],
  server: {
    // The server lists this origin: it is the one that a page of `npm run dev` calls.
    port: 5173,
    strictPort: true,
    // A proxy as any other: it passes on method, path, Host and ciphertext, and sees nothing else.
    proxy: { '/api': api, '/.well-known/sealwire': api },
  },
});
