-- Schema 5: machines that speak for themselves.

-- The machine that says it, where one may; by its name. Which user that is, and whether it can, is found out before it
-- is frozen.
ALTER TABLE delivery ADD COLUMN speaker TEXT;
