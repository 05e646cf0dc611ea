# manual pages and the served openapi document
