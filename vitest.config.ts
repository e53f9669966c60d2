import { defineConfig } from "vitest/config";

// fast: `npm test`, a few minutes on two cores. slow: full-size goldens, soak tests; `npm run test:slow`, and CI.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["**/*.slow.test.ts"],
          testTimeout: 60_000,
          pool: "forks",
          globalSetup: "test/cache-folder.ts",
        },
      },
      {
        test: {
          name: "slow",
          include: ["src/**/*.slow.test.ts", "test/**/*.slow.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 120_000,
          pool: "forks",
          globalSetup: "test/cache-folder.ts",
        },
      },
    ],
  },
});
