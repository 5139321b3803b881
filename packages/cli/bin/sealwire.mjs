#!/usr/bin/env node
import { main } from 'sealwire';

process.exitCode = await main(process.argv.slice(2));
