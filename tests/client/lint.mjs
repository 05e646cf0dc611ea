// SPDX-License-Identifier: Apache-2.0
// Copyright the bookingd authors
// lint.mjs FILE...: prints what the recommended rules say of API documents; exit code 1 when they
// say anything, warnings included.
import { createConfig, lint } from "@redocly/openapi-core";

const config = await createConfig({ extends: ["recommended"] });
let said = 0;
for (const file of process.argv.slice(2)) {
  for (const p of await lint({ ref: file, config })) {
    said++;
    const at = p.location[0]?.pointer ?? "";
    console.log(`${file} ${at}: ${p.severity} ${p.ruleId}: ${p.message}`);
  }
}
process.exitCode = said ? 1 : 0;
