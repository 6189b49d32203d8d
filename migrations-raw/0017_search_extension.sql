-- run as: login
-- One index over the tenant and the words of a text.
create extension if not exists btree_gin;
