import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // End-to-end cases start processes and a real Dovecot; the bound is against hangs, not a speed limit.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Tests that are marked as concurrent wait for time limits, all at once.
    maxConcurrency: 50,
    reporters: process.env.CI ? ['default'] : ['dot'],
  },
})
