import { defineConfig } from 'vitest/config';

// No plugins: Preact's JSX is compiled by esbuild inside Vite, so nothing but Vite pins the Node version.
const server = 'http://127.0.0.1:8080';

export default defineConfig({
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // a data: URI would need img-src data: in the content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': server, '/ws': { target: server, ws: true } } },
  test: { environment: 'node', pool: 'threads', isolate: false, include: ['src/**/*.test.{ts,tsx,mjs}'] },
});
